#include "usher/host/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_format format;
    enum log_level level;
    const char *component;
} logger = {LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "etcd-usher"};

void log_setup(enum log_format format, enum log_level level, const char *component)
{
    logger.format = format != LOG_FORMAT_UNKNOWN ? format : isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    logger.level = level != LOG_LEVEL_UNKNOWN ? level : LOG_LEVEL_INFO;
    logger.component = component;
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_INFO:
    case LOG_LEVEL_UNKNOWN:
        break;
    }
    return "info";
}

static void time_text(char out[64])
{
    struct timespec now;
    struct tm parts;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) == NULL || strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        seconds[0] = '\0';
    snprintf(out, 64, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

static void write_json(enum log_level level, const char *reason, const char *time_of_line, const char *message)
{
    json_t *line = json_pack("{s:s, s:s, s:s, s:s%}", "time", time_of_line, "level", level_word(level), "component", logger.component,
                             "message", message, strlen(message));
    char *dump;

    if (line == NULL) { /* not UTF-8 (a peer's words): never lose a line */
        fprintf(stderr, "{\"level\":\"%s\",\"message\":\"(a line that is not UTF-8)\"}\n", level_word(level));
        return;
    }
    if (reason != NULL)
        json_object_set_new(line, "reason", json_string(reason));
    dump = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    if (dump != NULL)
        fprintf(stderr, "%s\n", dump);
    free(dump);
}

void log_line(enum log_level level, const char *reason, const char *format, ...)
{
    int saved_errno = errno;
    char message[4096], time_of_line[64];
    va_list values;

    if (level < logger.level) {
        errno = saved_errno;
        return;
    }
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    time_text(time_of_line);
    if (logger.format == LOG_FORMAT_JSON)
        write_json(level, reason, time_of_line, message);
    else
        fprintf(stderr, "%s %-5s %s: %s%s%s%s\n", time_of_line, level_word(level), logger.component, message, reason != NULL ? " [" : "",
                reason != NULL ? reason : "", reason != NULL ? "]" : "");
    errno = saved_errno;
}
