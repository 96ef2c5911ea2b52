#include "usher/host/bounded_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bounded_text_init(struct bounded_text *text, size_t max_bytes) { *text = (struct bounded_text){.max_bytes = max_bytes}; }

void bounded_text_done(struct bounded_text *text)
{
    free(text->data);
    *text = (struct bounded_text){.max_bytes = text->max_bytes};
}

void bounded_text_reset(struct bounded_text *text)
{
    text->length_bytes = 0;
    text->overflowed = false;
    if (text->data != NULL)
        text->data[0] = '\0';
}

const char *bounded_text_c(const struct bounded_text *text) { return text->data != NULL ? text->data : ""; }

static bool reserve(struct bounded_text *text, size_t more_bytes)
{
    size_t needed = text->length_bytes + more_bytes, capacity;
    char *grown;

    if (text->overflowed || more_bytes > text->max_bytes || needed > text->max_bytes)
        return false;
    if (needed < text->capacity_bytes)
        return true;
    capacity = text->capacity_bytes < 128 ? 256 : text->capacity_bytes * 2;
    if (capacity <= needed)
        capacity = needed + 1;
    if (capacity > text->max_bytes + 1)
        capacity = text->max_bytes + 1;
    grown = realloc(text->data, capacity);
    if (grown == NULL)
        return false;
    text->data = grown;
    text->capacity_bytes = capacity;
    return true;
}

bool bounded_text_add(struct bounded_text *text, const char *data, size_t length_bytes)
{
    if (!reserve(text, length_bytes)) {
        text->overflowed = true;
        return false;
    }
    memcpy(text->data + text->length_bytes, data, length_bytes);
    text->length_bytes += length_bytes;
    text->data[text->length_bytes] = '\0';
    return true;
}

bool bounded_text_add_c(struct bounded_text *text, const char *data) { return bounded_text_add(text, data, strlen(data)); }

bool bounded_text_printf(struct bounded_text *text, const char *format, ...)
{
    va_list values;
    int length;

    va_start(values, format);
    length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length < 0 || !reserve(text, (size_t)length)) {
        text->overflowed = true;
        return false;
    }
    va_start(values, format);
    vsnprintf(text->data + text->length_bytes, (size_t)length + 1, format, values);
    va_end(values);
    text->length_bytes += (size_t)length;
    return true;
}
