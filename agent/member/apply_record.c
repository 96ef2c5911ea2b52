/* The set record and the permits: claims, founding, forgetting, adopting. Every write is a compare-and-swap upon what was just read. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "usher/core/record_verdict.h"
#include "usher/host/log.h"
#include "usher/host/text_file.h"
#include "usher/member/apply_parts.h"
#include "usher/member/observe.h"

/* Edits are made on a copy: what was not written is never taken for what stands there. */
static struct set_record *edit(struct usher *usher)
{
    usher->edited = usher->record;
    return &usher->edited;
}

/* Writes what was edited. */
static bool swap(struct usher *usher, struct deadline deadline, struct usher_error *err)
{
    struct deadline by = deadline_earlier(deadline, deadline_in_ms(RECORD_SWAP_MS));
    bool is_conflict = false;

    usher->record_read_at_ms = -1; /* written or not, it is read again before a next decision */
    if (usher->record_store.swap(usher->record_store.self, &usher->edited, by, &is_conflict, err)) {
        usher->record = usher->edited;
        usher->counters.record_writes++;
        return true;
    }
    if (is_conflict)
        return usher_error_set(err, "somebody else wrote the set record first");
    return usher_error_wrap(err, "cannot write the set record");
}

static bool make_nonce(struct usher *usher, struct usher_error *err)
{
    if (usher->notes.nonce[0] != '\0' && !usher->notes.nonce_was_used)
        return true; /* a used one is of a cluster that a person declared gone: each founding has its own */
    snprintf(usher->notes.nonce, sizeof usher->notes.nonce, "%016llx%016llx", (unsigned long long)usher->world->random(usher->world->self),
             (unsigned long long)usher->world->random(usher->world->self));
    usher->notes.nonce_was_used = usher->notes.was_voter = false;
    return apply_notes(usher, err); /* durable before anybody else can see it */
}

static void now_text(char out[32])
{
    time_t now = time(NULL);
    struct tm parts;

    if (gmtime_r(&now, &parts) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
}

bool apply_claim(struct usher *usher, struct usher_error *err)
{
    char time_text[32];

    if (!make_nonce(usher, err))
        return false;
    now_text(time_text);
    if (set_record_claim(edit(usher), usher->settings->join.slot_name, usher->notes.nonce, time_text) &&
        !swap(usher, deadline_never(), err))
        return usher_error_wrap(err, "the founding could not be claimed");
    return true;
}

/* The claim still ours and no cluster ID: read anew. Without a record (--bootstrap=once) there is nothing to compare with. */
static bool claim_still_stands(struct usher *usher, struct usher_error *err)
{
    if (usher->record_store.read == NULL)
        return true;
    observe_record(usher);
    if (usher->record.state == RECORD_EMPTY && usher->settings->join.bootstrap == BOOTSTRAP_ONCE)
        return true;
    if (usher->record.state == RECORD_CLAIMED && strcmp(usher->record.claim.slot, usher->settings->join.slot_name) == 0 &&
        strcmp(usher->record.claim.nonce, usher->notes.nonce) == 0)
        return true;
    return usher_error_set(err, "the claim in the set record is not ours any more (%s); looking again", usher->record_problem.text);
}

bool apply_found(struct usher *usher, const struct join_decision *decision, struct usher_error *err)
{
    char mark[PATH_BYTES + 32];

    snprintf(mark, sizeof mark, "%s/launched", usher->settings->plan_dir);
    /* The launcher starts a founding plan once; that it is still right was decided just now. */
    return make_nonce(usher, err) && claim_still_stands(usher, err) && text_file_remove(mark, err) && apply_plan(usher, decision, err);
}

static bool drop_from_file(struct usher *usher, const struct permit *permit, struct usher_error *err)
{
    char path[PATH_BYTES + 32];
    struct bounded_text text;
    bool is_done;

    snprintf(path, sizeof path, "%s/usher-permit", usher->settings->data_dir);
    bounded_text_init(&text, 8192);
    for (size_t i = 0; i < usher->file_permits.count; i++) {
        const struct permit *other = &usher->file_permits.permits[i];
        if (other->kind == permit->kind && strcmp(other->name, permit->name) == 0)
            continue;
        bounded_text_printf(&text, "%s%s=%s", text.length_bytes > 0 ? "," : "", permit_word(other->kind), other->name);
    }
    is_done = text.length_bytes == 0 ? text_file_remove(path, err)
                                     : text_file_write(path, bounded_text_c(&text), text.length_bytes, 0640, true, err);
    bounded_text_done(&text);
    return is_done;
}

bool apply_drop_permit(struct usher *usher, const struct permit *permit, struct usher_error *err)
{
    if (permit->source == PERMIT_FROM_FILE)
        return drop_from_file(usher, permit, err);
    observe_record(usher);
    if (usher->record.state == RECORD_UNREADABLE)
        return usher_error_set(err, "the set record cannot be read: %s", usher->record_problem.text);
    if (!set_record_drop_permit(edit(usher), permit))
        return usher_error_set(err, "somebody else took it out of the set record meanwhile");
    return swap(usher, deadline_never(), err);
}

bool apply_forget(struct usher *usher, const struct permit *permit, struct usher_error *err)
{
    if (permit->source == PERMIT_FROM_FILE && !drop_from_file(usher, permit, err))
        return false; /* a permit that cannot be taken out could be used twice */
    log_line(LOG_LEVEL_WARN, reason_name(REASON_FORGET), "forgetting %s in the set record, as permitted", permit->name);
    return !set_record_forget(edit(usher)) || swap(usher, deadline_never(), err);
}

bool apply_record_adopt(struct usher *usher, struct cluster_id cluster, struct member_id id, const struct member_list *list_or_null,
                        struct deadline deadline, struct usher_error *err)
{
    if (usher->record_store.read == NULL)
        return true;
    switch (record_judge(&usher->record, cluster)) {
    case RECORD_TAKES_OURS:
        break;
    case RECORD_SAYS_NOTHING:
        return usher_error_set(err, "the set record cannot be read: %s", usher->record_problem.text);
    case RECORD_NAMES_ANOTHER:
        return usher_error_set(err, "the set record names another cluster");
    case RECORD_FORGOT_OURS:
        return usher_error_set(err, "the set record says that our cluster is gone for good");
    }
    return !set_record_adopt(edit(usher), cluster, usher->settings->join.slot_name, id, list_or_null) || swap(usher, deadline, err);
}
