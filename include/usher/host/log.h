/* The logger: lines for people on a terminal, JSON lines for machines, on standard error. Keeps errno. Only the top layers log.
 * Secrets never come here: callers log URLs without user info and never credentials. */
#ifndef USHER_HOST_LOG_H
#define USHER_HOST_LOG_H

#include "usher/compiler.h"

enum log_level { LOG_LEVEL_UNKNOWN = 0, LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_UNKNOWN = 0, LOG_FORMAT_TEXT, LOG_FORMAT_JSON }; /* unknown: text on a terminal, else JSON */

void log_setup(enum log_format format, enum log_level level, const char *component);
/* `reason` is a reason's short name or NULL; it becomes the field "reason". */
void log_line(enum log_level level, const char *reason, const char *format, ...) USHER_PRINTF(3, 4);
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)

#endif
