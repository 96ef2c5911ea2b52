/* etcd's messages, in one table. Longer texts stand before those that they contain. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "usher/etcd/etcd_wire.h"

static const struct {
    const char *part;
    enum etcd_refusal refusal;
} table[] = {
    {"rpc not supported for learner", REFUSAL_NOT_FOR_LEARNER},
    {"too many learner members", REFUSAL_TOO_MANY_LEARNERS},
    {"member ID already exist", REFUSAL_ID_EXISTS},
    {"Peer URLs already exists", REFUSAL_PEER_URL_EXISTS},
    {"can only promote a learner member which is in sync", REFUSAL_LEARNER_NOT_READY},
    {"can only promote a learner member", REFUSAL_NOT_A_LEARNER},
    {"not enough started members", REFUSAL_NOT_ENOUGH_STARTED},
    {"unhealthy cluster", REFUSAL_UNHEALTHY_CLUSTER},
    {"member not found", REFUSAL_MEMBER_NOT_FOUND},
    {"given member URLs are invalid", REFUSAL_BAD_URLS},
    {"leader changed", REFUSAL_LEADER_CHANGED},
    {"request timed out", REFUSAL_TIMED_OUT},
    {"context deadline exceeded", REFUSAL_TIMED_OUT},
    {"context canceled", REFUSAL_TIMED_OUT},
    {"stream terminated by RST_STREAM", REFUSAL_TIMED_OUT}, /* 3.5 to 3.7 may end a fired Grpc-Timeout so */
    {"no leader", REFUSAL_NO_LEADER},
    {"server stopped", REFUSAL_STOPPED},
    {"raft: stopped", REFUSAL_STOPPED},
    {"bad leader transferee", REFUSAL_BAD_TRANSFEREE},
    {"not leader", REFUSAL_NOT_LEADER},
    {"cluster ID mismatch", REFUSAL_CLUSTER_ID_MISMATCH},
    {"user name is empty", REFUSAL_USER_EMPTY},
    {"invalid auth token", REFUSAL_BAD_TOKEN},
    {"permission denied", REFUSAL_PERMISSION_DENIED},
    {"authentication failed", REFUSAL_AUTH_FAILED},
    {"authentication is not enabled", REFUSAL_AUTH_NOT_ENABLED},
    {"database space exceeded", REFUSAL_NO_SPACE},
    {"corrupt cluster", REFUSAL_CORRUPT},
    {"CommonName of client sending a request against gateway", REFUSAL_CN_GATEWAY},
    {"connection error", REFUSAL_GATEWAY},
    {"error reading server preface", REFUSAL_GATEWAY},
    {"broken pipe", REFUSAL_GATEWAY},
    {"transport", REFUSAL_GATEWAY},
};

/* etcd's own words, or NULL when the body is not its JSON. Streams of 3.4 and 3.5 wrap the message in an object. */
static const char *message_of(const json_t *root)
{
    const json_t *error = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(root, "message"));

    if (message == NULL)
        message = json_string_value(json_object_get(error, "message"));
    return message != NULL ? message : json_string_value(error);
}

enum etcd_refusal etcd_wire_read_refusal(const char *text, size_t bytes, char *out_message, size_t message_bytes)
{
    json_t *root = json_loadb(text, bytes, 0, NULL);
    const char *message = message_of(root);
    enum etcd_refusal refusal = REFUSAL_UNKNOWN;

    if (message != NULL)
        snprintf(out_message, message_bytes, "%.240s", message);
    else
        snprintf(out_message, message_bytes, "%.*s", (int)(bytes < 240 ? bytes : 240), text);
    for (char *at = out_message; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    for (size_t i = 0; i < sizeof table / sizeof table[0] && refusal == REFUSAL_UNKNOWN; i++)
        if ((message != NULL || table[i].refusal == REFUSAL_CN_GATEWAY) && strstr(out_message, table[i].part) != NULL)
            refusal = table[i].refusal; /* a proxy's page with such words in it is not etcd's word; this one text comes without JSON */
    json_decref(root);
    return refusal;
}

bool etcd_refusal_is_ambiguous(enum etcd_refusal refusal)
{
    switch ((int)refusal) {
    case REFUSAL_TIMED_OUT:
    case REFUSAL_LEADER_CHANGED:
    case REFUSAL_STOPPED:
    case REFUSAL_NO_LEADER:
    case REFUSAL_GATEWAY:
    case REFUSAL_UNKNOWN: /* a message that we do not know is no proof that nothing happens */
        return true;
    default:
        return false;
    }
}
