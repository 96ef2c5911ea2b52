#include "usher/serve/leave_request.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct leave_request {
    pthread_mutex_t lock;
    struct wake *wake;
    int notice_fd;
    /* -- under the lock -- */
    uint64_t last_ticket, seen_ticket, done_ticket; /* tickets count up; done <= seen <= last */
    enum leave_asked unseen_how, seen_how;          /* the strongest of the tickets not seen yet; of those seen and not done */
    bool has_verdict;
    enum leave_asked verdict_how; /* the strongest that the evaluation of `verdict` was asked */
    struct leave_verdict verdict;
    uint64_t progress_number;
    bool has_progress; /* of the evaluation that runs */
    char progress[LEAVE_TEXT_BYTES];
};

static enum leave_asked stronger(enum leave_asked a, enum leave_asked b) { return a > b ? a : b; }

/* One line: what people and the line protocol of the control socket expect. */
static void copy_line(char *out, size_t out_bytes, const char *text)
{
    (void)snprintf(out, out_bytes, "%s", text ? text : "");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

bool leave_request_new(struct wake *wake_or_null, struct leave_request **out_request, struct usher_error *err)
{
    struct leave_request *request = calloc(1, sizeof *request);
    if (!request)
        return usher_error_errno(err, ENOMEM, "no memory for the requests to leave");
    request->wake = wake_or_null;
    request->notice_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (request->notice_fd < 0) {
        int number = errno;
        free(request);
        return usher_error_errno(err, number, "cannot make the event of the requests to leave");
    }
    int number = pthread_mutex_init(&request->lock, NULL);
    if (number != 0) {
        close(request->notice_fd);
        free(request);
        return usher_error_errno(err, number, "cannot make the lock of the requests to leave");
    }
    *out_request = request;
    return true;
}

void leave_request_free(struct leave_request *request)
{
    if (!request)
        return;
    (void)pthread_mutex_destroy(&request->lock);
    close(request->notice_fd);
    free(request);
}

static void give_notice(struct leave_request *request)
{
    const uint64_t one = 1;
    /* A full counter is readable already. */
    if (write(request->notice_fd, &one, sizeof one) < 0)
        return;
}

int leave_request_notice_fd(const struct leave_request *request) { return request->notice_fd; }

void leave_request_clear_notice(struct leave_request *request)
{
    uint64_t count;
    if (read(request->notice_fd, &count, sizeof count) < 0)
        return; /* nothing was there */
}

/* "We have left" answers everybody; a STAY only those who ask no more strongly than whoever got it. */
static bool answers(const struct leave_request *request, enum leave_asked how)
{
    return request->has_verdict && request->verdict.is_reusable && (how <= request->verdict_how || request->verdict.reason == REASON_LEFT);
}

uint64_t leave_request_ask(struct leave_request *request, enum leave_asked how)
{
    (void)pthread_mutex_lock(&request->lock);
    uint64_t ticket = request->done_ticket;
    bool is_answered = answers(request, how);
    if (!is_answered) {
        ticket = ++request->last_ticket;
        request->unseen_how = stronger(request->unseen_how, how);
    }
    (void)pthread_mutex_unlock(&request->lock);
    if (is_answered)
        give_notice(request);
    else if (request->wake)
        wake_poke(request->wake);
    return ticket;
}

bool leave_request_verdict(struct leave_request *request, uint64_t ticket, struct leave_verdict *out_verdict)
{
    (void)pthread_mutex_lock(&request->lock);
    bool is_done = request->has_verdict && ticket <= request->done_ticket;
    if (is_done)
        *out_verdict = request->verdict;
    (void)pthread_mutex_unlock(&request->lock);
    return is_done;
}

uint64_t leave_request_progress(struct leave_request *request, char *out_text, size_t text_bytes)
{
    (void)pthread_mutex_lock(&request->lock);
    uint64_t number = request->has_progress ? request->progress_number : 0;
    if (number != 0)
        (void)snprintf(out_text, text_bytes, "%s", request->progress);
    (void)pthread_mutex_unlock(&request->lock);
    return number;
}

bool leave_request_pending(struct leave_request *request, enum leave_asked *out_how)
{
    (void)pthread_mutex_lock(&request->lock);
    request->seen_ticket = request->last_ticket;
    request->seen_how = stronger(request->seen_how, request->unseen_how);
    request->unseen_how = LEAVE_NOT_ASKED;
    bool is_pending = request->seen_ticket > request->done_ticket;
    if (is_pending)
        *out_how = request->seen_how;
    (void)pthread_mutex_unlock(&request->lock);
    return is_pending;
}

void leave_request_say(struct leave_request *request, const char *text)
{
    (void)pthread_mutex_lock(&request->lock);
    copy_line(request->progress, sizeof request->progress, text);
    request->progress_number++;
    request->has_progress = true;
    (void)pthread_mutex_unlock(&request->lock);
    give_notice(request);
}

void leave_request_done(struct leave_request *request, enum usher_exit exit, enum reason reason, const char *text, bool is_reusable)
{
    (void)pthread_mutex_lock(&request->lock);
    request->verdict = (struct leave_verdict){.exit = exit, .reason = reason, .is_reusable = is_reusable};
    copy_line(request->verdict.text, sizeof request->verdict.text, text);
    request->has_verdict = true;
    request->verdict_how = request->seen_how;
    request->done_ticket = request->seen_ticket;
    request->seen_how = LEAVE_NOT_ASKED;
    request->has_progress = false;
    (void)pthread_mutex_unlock(&request->lock);
    give_notice(request);
}
