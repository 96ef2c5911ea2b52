/* Versions of etcd that one should not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usher/core/known_bad.h"

static void each_version_is_told(void **state)
{
    static const struct {
        const char *version, *words; /* NULL = fine */
    } rows[] = {
        {"3.5.0", "13766"},  {"3.5.2", "13766"},     {"3.5.3", "14370"}, {"3.5.4", "14370"}, {"3.5.5", "19557"},
        {"3.5.19", "19557"}, {"3.5.20", NULL},       {"3.5.33", NULL},   {"3.4.3", "14370"}, {"3.4.20", "14370"},
        {"3.4.21", NULL},    {"3.4.23", NULL},       {"3.6.0", "20340"}, {"3.6.3", "20340"}, {"3.6.4", NULL},
        {"3.7.1", NULL},     {"3.5.2+git", "13766"}, {"3.50.2", NULL},   {"", NULL},         {"3.5", NULL},
        {"v3.5.2", NULL},    {"nonsense", NULL},     {"3.5.x", NULL},    {"4.5.2", NULL},    {"3.5.9999999999", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *said = known_bad_etcd(rows[i].version);
        if ((said == NULL) != (rows[i].words == NULL) || (said != NULL && strstr(said, rows[i].words) == NULL))
            fail_msg("%s: %s", rows[i].version, said == NULL ? "nothing" : said);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_version_is_told)};
    return cmocka_run_group_tests_name("known_bad", tests, NULL, NULL);
}
