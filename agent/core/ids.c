#include "usher/core/ids.h"

#include <stddef.h>

void id_to_hex(uint64_t value, char out_text[ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char reversed[ID_TEXT_BYTES];
    size_t count = 0;

    do {
        reversed[count++] = digits[value & 0xf];
        value >>= 4;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        out_text[i] = reversed[count - 1 - i];
    out_text[count] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool id_from_hex(const char *text, uint64_t *out_value)
{
    uint64_t value = 0;
    size_t count = 0;

    for (; text[count] != '\0'; count++) {
        int digit = digit_value(text[count]);
        if (digit < 0 || count >= 16)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    if (value == 0)
        return false;
    *out_value = value;
    return true;
}
