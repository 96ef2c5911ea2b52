/* Tasks on stacks of their own. The clock is virtual: clock_gettime is this program's, so every deadline in the usher runs on it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim.h"

enum { TASKS_MAX = 64, STACK_BYTES = 2 * 1024 * 1024 };

struct task {
    ucontext_t context;
    void *stack;
    void (*run)(void *);
    void *argument;
    int owner;
    bool is_used, has_ended;
    int64_t wake_at_ms;
    uint64_t order; /* of those that are due together, who fell asleep first */
};

static struct task tasks[TASKS_MAX];
static struct task *running;
static ucontext_t scheduler;
static int64_t now_ms = 1000000;
static uint64_t orders;

int64_t sim_now_ms(void) { return now_ms; }

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, out);
    out->tv_sec = now_ms / 1000;
    out->tv_nsec = now_ms % 1000 * 1000000;
    return 0;
}

static void begin(void)
{
    running->run(running->argument);
    running->has_ended = true;
    for (;;)
        swapcontext(&running->context, &scheduler);
}

static struct task *free_task(void)
{
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (!tasks[i].is_used && &tasks[i] != running)
            return &tasks[i];
    abort();
}

struct task *task_start(void (*run)(void *), void *argument, int owner)
{
    struct task *task = free_task();

    if (task->stack == NULL)
        task->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (task->stack == MAP_FAILED || getcontext(&task->context) != 0)
        abort();
    task->context.uc_stack.ss_sp = task->stack;
    task->context.uc_stack.ss_size = STACK_BYTES;
    task->context.uc_link = NULL;
    task->run = run;
    task->argument = argument;
    task->owner = owner;
    task->is_used = true;
    task->has_ended = false;
    task->wake_at_ms = now_ms;
    task->order = orders++;
    makecontext(&task->context, begin, 0);
    return task;
}

void task_kill(struct task **task)
{
    if (*task != NULL)
        (*task)->is_used = false;
    *task = NULL;
}

bool task_has_ended(const struct task *task) { return task == NULL || task->has_ended; }

void task_sleep_until(int64_t at_ms)
{
    running->wake_at_ms = at_ms > now_ms ? at_ms : now_ms;
    running->order = orders++;
    swapcontext(&running->context, &scheduler);
}

void task_wake(struct task *task)
{
    if (task != NULL)
        task->wake_at_ms = now_ms;
}

int task_owner(void) { return running == NULL ? -1 : running->owner; }

void tasks_run(void (*root)(void *), void *argument)
{
    struct task *first = task_start(root, argument, -1);

    while (!first->has_ended) {
        struct task *next = NULL;
        for (size_t i = 0; i < TASKS_MAX; i++) {
            struct task *task = &tasks[i];
            if (!task->is_used || task->has_ended)
                continue;
            if (next == NULL || task->wake_at_ms < next->wake_at_ms || (task->wake_at_ms == next->wake_at_ms && task->order < next->order))
                next = task;
        }
        if (next->wake_at_ms > now_ms)
            now_ms = next->wake_at_ms;
        running = next;
        swapcontext(&scheduler, &next->context);
        running = NULL;
    }
}
