#include "usher/host/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool usher_error_set(struct usher_error *err, const char *format, ...)
{
    va_list values;

    if (err == NULL)
        return false;
    err->exit = USHER_EXIT_FAILED;
    va_start(values, format);
    vsnprintf(err->text, sizeof err->text, format, values);
    va_end(values);
    return false;
}

bool usher_error_wrap(struct usher_error *err, const char *format, ...)
{
    char old[ERROR_TEXT_BYTES];
    va_list values;
    size_t length;

    if (err == NULL)
        return false;
    memcpy(old, err->text, sizeof old);
    va_start(values, format);
    vsnprintf(err->text, sizeof err->text, format, values);
    va_end(values);
    length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", old);
    return false;
}

bool usher_error_errno(struct usher_error *err, int number, const char *format, ...)
{
    va_list values;
    size_t length;

    if (err == NULL)
        return false;
    err->exit = USHER_EXIT_FAILED;
    va_start(values, format);
    vsnprintf(err->text, sizeof err->text, format, values);
    va_end(values);
    length = strlen(err->text);
    snprintf(err->text + length, sizeof err->text - length, ": %s", strerror(number));
    return false;
}
