/* The floor for memory and loading: a program that does nothing with the libraries that etcd-usher stands on. `bare` loads and ends; `bare
 * wait` makes an HTTP client handle and a listening HTTP server, then sleeps. */
#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <openssl/rand.h>
#include <unistd.h>

static enum MHD_Result refuse(void *self, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_bytes, void **state)
{
    (void)self, (void)connection, (void)url, (void)method, (void)version, (void)upload, (void)upload_bytes, (void)state;
    return MHD_NO;
}

int main(int argc, char *argv[])
{
    unsigned char random = 0;
    json_t *object = json_object();
    int is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && RAND_bytes(&random, 1) == 1 && object != NULL;

    (void)argv;
    json_decref(object);
    if (!is_ready || argc < 2)
        return is_ready ? 0 : 1;
    if (curl_multi_init() == NULL || MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, refuse, NULL, MHD_OPTION_END) == NULL)
        return 1;
    for (;;)
        pause();
}
