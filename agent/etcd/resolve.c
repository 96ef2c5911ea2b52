#include "usher/etcd/resolve.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SRV_ANSWER_BYTES = 8192, RESOLVER_STACK_BYTES = 256 * 1024 };

/* Shared by the caller and the resolver's thread; the last of the two frees it. */
struct resolve_job {
    pthread_mutex_t lock;
    pthread_cond_t finished;
    unsigned holders;
    bool is_finished, uses_tls;
    enum resolve_outcome outcome;
    char text[URL_BYTES];
    struct resolved result;
    struct usher_error err;
};

static void let_go(struct resolve_job *job)
{
    bool is_last;

    pthread_mutex_lock(&job->lock);
    is_last = --job->holders == 0;
    pthread_mutex_unlock(&job->lock);
    if (!is_last)
        return;
    pthread_cond_destroy(&job->finished);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

static void add_url(struct resolved *result, const char *scheme, const char *host, const char *port, const char *name)
{
    if (result->count >= RESOLVED_MAX)
        return;
    snprintf(result->urls[result->count], URL_BYTES, strchr(host, ':') != NULL ? "%s://[%s]:%s" : "%s://%s:%s", scheme, host, port);
    snprintf(result->names[result->count], NAME_BYTES, "%s", name);
    result->count++;
}

static enum resolve_outcome failed_name(struct resolve_job *job, const char *name, int status)
{
    usher_error_set(&job->err, "%s: %s", name, gai_strerror(status));
    return status == EAI_NONAME || status == EAI_NODATA || status == EAI_ADDRFAMILY ? RESOLVE_NO_SUCH_NAME : RESOLVE_UNANSWERED;
}

static enum resolve_outcome resolve_name(struct resolve_job *job, const char *spec)
{
    const char *colon = strrchr(spec, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char name[NAME_BYTES];
    int status;

    if (colon == NULL || (size_t)(colon - spec) >= sizeof name) {
        usher_error_set(&job->err, "not of the form dns:NAME:PORT");
        return RESOLVE_UNANSWERED;
    }
    memcpy(name, spec, (size_t)(colon - spec));
    name[colon - spec] = '\0';
    status = getaddrinfo(name, NULL, &hints, &found);
    if (status != 0)
        return failed_name(job, name, status);
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        char host[NI_MAXHOST];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0)
            add_url(&job->result, job->uses_tls ? "https" : "http", host, colon + 1, name);
    }
    freeaddrinfo(found);
    return job->result.count > 0 ? RESOLVE_FOUND : failed_name(job, name, EAI_NODATA);
}

static enum resolve_outcome failed_query(struct resolve_job *job, const char *query, int status)
{
    usher_error_set(&job->err, "%s: %s", query, hstrerror(status));
    return status == HOST_NOT_FOUND || status == NO_DATA ? RESOLVE_NO_SUCH_NAME : RESOLVE_UNANSWERED;
}

static enum resolve_outcome resolve_service(struct resolve_job *job, const char *service, const char *scheme, const char *domain)
{
    unsigned char answer[SRV_ANSWER_BYTES];
    char query[NAME_BYTES * 2];
    ns_msg message;
    int length;

    snprintf(query, sizeof query, "%s.%s", service, domain);
    length = res_query(query, ns_c_in, ns_t_srv, answer, sizeof answer);
    if (length < 0 || length > (int)sizeof answer || ns_initparse(answer, length, &message) != 0)
        return failed_query(job, query, length < 0 ? h_errno : NO_RECOVERY);
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        ns_rr record;
        char target[NS_MAXDNAME], port[8];
        if (ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7)
            continue;
        if (dn_expand(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record) + 6, target, sizeof target) < 0)
            continue;
        snprintf(port, sizeof port, "%u", (unsigned)ns_get16(ns_rr_rdata(record) + 4));
        add_url(&job->result, scheme, target, port, target);
    }
    return job->result.count > 0 ? RESOLVE_FOUND : failed_query(job, query, NO_DATA);
}

static enum resolve_outcome resolve_services(struct resolve_job *job, const char *domain)
{
    enum resolve_outcome secure = resolve_service(job, "_etcd-client-ssl._tcp", "https", domain), plain;

    if (secure == RESOLVE_FOUND)
        return secure;
    plain = resolve_service(job, "_etcd-client._tcp", "http", domain);
    return plain == RESOLVE_NO_SUCH_NAME ? secure : plain; /* both must say so for nothing to be there */
}

static void *run_job(void *self)
{
    struct resolve_job *job = self;
    enum resolve_outcome outcome =
        strncmp(job->text, "dns:", 4) == 0 ? resolve_name(job, job->text + 4) : resolve_services(job, job->text + 4);

    pthread_mutex_lock(&job->lock);
    job->is_finished = true;
    job->outcome = outcome;
    pthread_cond_signal(&job->finished);
    pthread_mutex_unlock(&job->lock);
    let_go(job);
    return NULL;
}

struct resolve_job *resolve_start(const char *text, bool uses_tls)
{
    struct resolve_job *job = calloc(1, sizeof *job);
    pthread_condattr_t clock;
    pthread_attr_t attributes;
    pthread_t thread;
    int status;

    if (job == NULL)
        return NULL;
    job->holders = 2;
    job->uses_tls = uses_tls;
    snprintf(job->text, sizeof job->text, "%s", text);
    pthread_mutex_init(&job->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&job->finished, &clock);
    pthread_condattr_destroy(&clock);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, RESOLVER_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    status = pthread_create(&thread, &attributes, run_job, job);
    pthread_attr_destroy(&attributes);
    if (status == 0)
        return job;
    job->holders = 1;
    let_go(job);
    return NULL;
}

enum resolve_outcome resolve_finish(struct resolve_job *job, struct deadline deadline, struct resolved *out, struct usher_error *err)
{
    struct timespec until = {.tv_sec = (time_t)(deadline.at_ms / 1000), .tv_nsec = (long)(deadline.at_ms % 1000) * 1000000};
    enum resolve_outcome outcome = RESOLVE_UNANSWERED;
    int status = 0;

    if (job == NULL) {
        usher_error_set(err, "cannot start a resolver");
        return outcome;
    }
    pthread_mutex_lock(&job->lock);
    while (!job->is_finished && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&job->finished, &job->lock, &until);
    if (!job->is_finished) {
        usher_error_set(err, "%s: the resolver did not answer in time", job->text);
    } else {
        outcome = job->outcome;
        if (outcome == RESOLVE_FOUND)
            *out = job->result;
        else if (err != NULL)
            *err = job->err;
    }
    pthread_mutex_unlock(&job->lock);
    let_go(job);
    return outcome;
}
