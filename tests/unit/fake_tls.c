#include "fake_tls.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void die_unless(bool is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void extend(X509 *certificate, X509 *authority, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, authority, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    die_unless(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* `authority` NULL = an authority itself. */
static X509 *issue(EVP_PKEY *key, const char *name, X509 *authority, EVP_PKEY *authority_key, const char *address)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    char alternative[128];

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), rand());
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, (int)strnlen(name, 64), -1, 0);
    X509_set_issuer_name(certificate, authority == NULL ? subject : X509_get_subject_name(authority));
    extend(certificate, authority == NULL ? certificate : authority, NID_basic_constraints,
           authority == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (authority != NULL) {
        snprintf(alternative, sizeof alternative, "IP:%s", address);
        extend(certificate, authority, NID_subject_alt_name, alternative);
    }
    die_unless(X509_sign(certificate, authority == NULL ? key : authority_key, EVP_sha256()) > 0, "X509_sign");
    return certificate;
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "we");

    die_unless(file != NULL && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0, path);
}

static SSL_CTX *make_context(const char *ca_file, const char *address)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *authority_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *authority = issue(authority_key, ca_file, NULL, NULL, NULL); /* each has another name */
    X509 *certificate = issue(key, "api", authority, authority_key, address);

    die_unless(context != NULL && SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1,
               "SSL_CTX");
    write_certificate(ca_file, authority);
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(key);
    EVP_PKEY_free(authority_key);
    return context;
}

static bool read_request(struct fake_tls *tls, SSL *ssl, char request[FAKE_REQUEST_BYTES])
{
    size_t length = 0;

    for (;;) {
        int count = SSL_read(ssl, request + length, (int)(FAKE_REQUEST_BYTES - 1 - length));
        const char *end, *header;
        if (count <= 0)
            return false;
        length += (size_t)count;
        request[length] = '\0';
        end = strstr(request, "\r\n\r\n");
        header = strcasestr(request, "\r\nContent-Length:");
        if (end != NULL && length >= (size_t)(end + 4 - request) + (header == NULL ? 0 : strtoul(header + 17, NULL, 10)))
            break;
    }
    pthread_mutex_lock(&tls->server.lock);
    if (atomic_load(&tls->server.requests) < FAKE_TLS_KEPT)
        memcpy(tls->requests[atomic_load(&tls->server.requests)], request, length + 1);
    pthread_mutex_unlock(&tls->server.lock);
    return true;
}

static bool send_text(SSL *ssl, const char *text) { return text[0] == '\0' || SSL_write(ssl, text, (int)strlen(text)) > 0; }

static bool reply(SSL *ssl, const struct fake_tls_reply *with)
{
    char head[512];
    size_t length = strlen(with->body) * (with->repeats + 1);
    bool is_sent;

    snprintf(head, sizeof head, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n%s\r\n", with->status, with->claims > 0 ? with->claims : length,
             with->header != NULL ? with->header : "");
    is_sent = send_text(ssl, head);
    for (size_t i = 0; is_sent && i <= with->repeats; i++)
        is_sent = send_text(ssl, with->body);
    return is_sent && with->claims == 0;
}

static void serve(struct fake_server *server, int connection)
{
    struct fake_tls *tls = server->self;
    SSL *ssl = SSL_new(tls->context);
    char *request = malloc(FAKE_REQUEST_BYTES);
    bool goes_on = ssl != NULL && request != NULL && SSL_set_fd(ssl, connection) == 1 && SSL_accept(ssl) == 1;

    while (goes_on && read_request(tls, ssl, request)) {
        size_t at = (size_t)atomic_fetch_add(&server->requests, 1);
        const struct fake_tls_reply *with = &tls->replies[at < tls->reply_count ? at : tls->reply_count - 1];
        if (with->first != NULL)
            with->first(tls->self);
        if (with->status == 0)
            goes_on = SSL_read(ssl, request, 1) > 0;
        else
            goes_on = reply(ssl, with);
    }
    if (goes_on || ssl != NULL)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    free(request);
}

void fake_tls_start(struct fake_tls *tls, const char *ca_file, const char *address, const struct fake_tls_reply *replies, size_t count)
{
    memset(tls, 0, sizeof *tls);
    tls->replies = replies;
    tls->reply_count = count;
    tls->context = make_context(ca_file, address);
    fake_server_start(&tls->server, serve, tls);
}

void fake_tls_stop(struct fake_tls *tls)
{
    fake_server_stop(&tls->server);
    SSL_CTX_free(tls->context);
}

unsigned fake_tls_port(const struct fake_tls *tls) { return (unsigned)strtoul(strrchr(tls->server.url, ':') + 1, NULL, 10); }
