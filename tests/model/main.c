/* model [quick]: every small cluster through the decisions. Prints a line for each rule, how many states were visited, and as its last line
 * `M passed, K failed`, M and K counting rules. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"

uint64_t rules_said[RULE_COUNT], rules_broken[RULE_COUNT], rules_states;

enum { SHOWN_MAX = 3 };

static const char *const texts[RULE_COUNT] = {
#define X(symbol, text) text,
    RULES(X)
#undef X
};

void rules_report(enum rule rule, void (*describe)(const void *state), const void *state)
{
    if (rules_broken[rule]++ >= SHOWN_MAX)
        return;
    printf("BROKEN %s\n  in: ", texts[rule]);
    describe(state);
}

bool rules_print(void)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < RULE_COUNT; i++) {
        bool holds = rules_broken[i] == 0 && rules_said[i] > 0;
        printf("%-6s %12" PRIu64 "  %s", holds ? "ok" : "FAIL", rules_said[i], texts[i]);
        if (rules_broken[i] > 0)
            printf(" (broken %" PRIu64 " times)", rules_broken[i]);
        else if (rules_said[i] == 0)
            printf(" (never had anything to say)");
        printf("\n");
        passed += holds ? 1 : 0;
    }
    printf("%" PRIu64 " states visited\n", rules_states);
    printf("%u passed, %u failed\n", passed, RULE_COUNT - passed);
    return passed == RULE_COUNT;
}

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "quick") == 0;

    if (argc > 2 || (argc == 2 && !is_quick)) {
        fprintf(stderr, "usage: model [quick]\n");
        return 2;
    }
    model_quorum(is_quick);
    model_calls();
    model_promote(is_quick);
    model_leave(is_quick);
    model_converge(is_quick);
    model_join(is_quick);
    return rules_print() ? 0 : 1;
}
