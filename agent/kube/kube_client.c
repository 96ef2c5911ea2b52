#include "usher/kube/kube_client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usher/host/text_file.h"

enum { TOKEN_FILE_BYTES = 8 * 1024 - 64 };

static const char *account_folder(void)
{
    const char *folder = getenv("USHER_SERVICE_ACCOUNT_DIR");
    return folder != NULL && folder[0] != '\0' ? folder : "/var/run/secrets/kubernetes.io/serviceaccount";
}

bool kube_client_init(struct kube_client *client, const struct settings *settings, int wake_fd, struct usher_error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    bool is_v6;

    memset(client, 0, sizeof *client);
    if (host == NULL || host[0] == '\0')
        return usher_error_set(err, "KUBERNETES_SERVICE_HOST is not set: this is no pod of Kubernetes");
    if (settings->pod_namespace[0] == '\0')
        return usher_error_set(err, "the namespace is not known: set POD_NAMESPACE (downward API), or mount the service account's token");
    is_v6 = strchr(host, ':') != NULL && host[0] != '[';
    snprintf(client->base, sizeof client->base, "https://%s%.255s%s:%.8s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             port != NULL && port[0] != '\0' ? port : "443");
    snprintf(client->ca_file, sizeof client->ca_file, "%.900s/ca.crt", account_folder());
    snprintf(client->token_file, sizeof client->token_file, "%.900s/token", account_folder());
    memcpy(client->namespace, settings->pod_namespace, sizeof client->namespace);
    return http_client_new(wake_fd, &client->http, err);
}

void kube_client_done(struct kube_client *client)
{
    if (client->http != NULL)
        http_client_free(client->http);
    client->http = NULL;
}

static bool is_object_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

bool kube_path(char out[HTTP_URL_BYTES], const char *group, const char *namespace, const char *resource, const char *name,
               struct usher_error *err)
{
    int length;

    if (!is_object_name(namespace) || !is_object_name(name))
        return usher_error_set(err, "\"%.100s\" in namespace \"%.100s\" is no name of Kubernetes' %s", name, namespace, resource);
    length = snprintf(out, HTTP_URL_BYTES, "%s/namespaces/%s/%s/%s", group, namespace, resource, name);
    return (length > 0 && length < HTTP_URL_BYTES) || usher_error_set(err, "%.100s...: too long a name", name);
}

struct taken {
    struct kube_reply *reply;
    char problem[256];
};

static void take(void *self, struct http_batch *batch, void *tag, const struct http_reply *reply)
{
    struct taken *taken = self;

    (void)batch;
    (void)tag;
    if (reply->outcome != HTTP_ANSWERED) {
        snprintf(taken->problem, sizeof taken->problem, "%s", reply->problem);
        return;
    }
    taken->reply->status = reply->status;
    taken->reply->body = json_loadb(reply->body, reply->body_bytes, JSON_REJECT_DUPLICATES, NULL);
}

/* "Bearer <token>"; false when there is no token to be read. */
static bool read_token(const struct kube_client *client, char *out, size_t out_bytes, struct usher_error *err)
{
    struct bounded_text text;
    bool is_read;

    bounded_text_init(&text, TOKEN_FILE_BYTES);
    is_read = text_file_read(client->token_file, TOKEN_FILE_BYTES, &text, err) == TEXT_FILE_READ && text.length_bytes > 0;
    if (is_read) {
        const char *token = bounded_text_c(&text);
        snprintf(out, out_bytes, "Bearer %.*s", (int)strcspn(token, "\r\n"), token);
        OPENSSL_cleanse(text.data, text.length_bytes);
    }
    bounded_text_done(&text);
    return is_read || usher_error_set(err, "no service account token in %s (is automountServiceAccountToken off?)", client->token_file);
}

static bool call_once(struct kube_client *client, const char *method, const char *path, const char *body, struct deadline deadline,
                      struct kube_reply *reply, struct usher_error *err)
{
    char authorization[8 * 1024], url[HTTP_URL_BYTES];
    struct http_tls tls = {.ca_file = client->ca_file};
    struct taken taken = {.reply = reply};
    struct http_request request = {.url = url,
                                   .method = method,
                                   .body = body,
                                   .authorization = authorization,
                                   .tls = &tls,
                                   .is_write = body != NULL,
                                   .max_body_bytes = KUBE_REPLY_BYTES};
    struct http_batch *batch;
    int length = snprintf(url, sizeof url, "%s%s", client->base, path);

    *reply = (struct kube_reply){0};
    if (length < 0 || (size_t)length >= sizeof url)
        return usher_error_set(err, "%s: too long a path", path);
    if (!read_token(client, authorization, sizeof authorization, err))
        return false;
    client->calls++;
    if (!http_batch_begin(client->http, take, &taken, &batch, err)) {
        OPENSSL_cleanse(authorization, sizeof authorization);
        return false;
    }
    http_batch_add(batch, &request);
    http_batch_run(batch, deadline, client->gives_way);
    OPENSSL_cleanse(authorization, sizeof authorization);
    return reply->status != 0 || usher_error_set(err, "the Kubernetes API at %s did not answer: %s", client->base, taken.problem);
}

bool kube_says_missing(const json_t *body, const char *path)
{
    const json_t *details = json_object_get(body, "details");
    const char *kind = json_string_value(json_object_get(body, "kind")), *reason = json_string_value(json_object_get(body, "reason"));
    const char *resource = json_string_value(json_object_get(details, "kind")), *name = json_string_value(json_object_get(details, "name"));
    char end[HTTP_URL_BYTES];
    int length;

    if (kind == NULL || reason == NULL || resource == NULL || name == NULL || strcmp(kind, "Status") != 0 ||
        strcmp(reason, "NotFound") != 0)
        return false;
    length = snprintf(end, sizeof end, "/%s/%s", resource, name);
    return length > 0 && (size_t)length < sizeof end && strlen(path) >= (size_t)length &&
           strcmp(path + strlen(path) - (size_t)length, end) == 0;
}

/* The server's own words: a Status object's message. */
static bool refused(const char *method, const char *path, const struct kube_reply *reply, struct usher_error *err)
{
    const char *message = json_string_value(json_object_get(reply->body, "message"));

    if (reply->status == 403)
        return usher_error_set(err, "the Kubernetes API forbids %s %s: %.500s (is the Role bound to this pod's service account?)", method,
                               path, message != NULL ? message : "403");
    return usher_error_set(err, "the Kubernetes API answered %ld to %s %s: %.500s", reply->status, method, path,
                           message != NULL ? message : "no message");
}

bool kube_call(struct kube_client *client, const char *method, const char *path, const char *body, struct deadline deadline,
               struct kube_reply *reply, struct usher_error *err)
{
    struct deadline by = deadline_earlier(deadline, deadline_in_ms(KUBE_CALL_MS));
    bool is_answered = call_once(client, method, path, body, by, reply, err);

    if (is_answered && reply->status == 401) { /* the token was renewed between our reading and its using */
        json_decref(reply->body);
        is_answered = call_once(client, method, path, body, by, reply, err);
    }
    if (is_answered && reply->status >= 200 && reply->status < 300 && json_is_object(reply->body))
        return true;
    client->failures++;
    if (is_answered) {
        reply->is_missing = reply->status == 404 && kube_says_missing(reply->body, path);
        refused(method, path, reply, err);
    }
    json_decref(reply->body);
    reply->body = NULL;
    return false;
}
