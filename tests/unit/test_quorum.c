/* The quorum rule, a row a case: members as letters (V voter up, v voter down, L learner up, l learner down), the change, the target's place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "usher/core/quorum.h"

struct row {
    const char *members;
    enum quorum_change change;
    size_t target; /* from 1; 9: nobody */
    enum quorum_verdict verdict;
};

#define ROW(members, change, target, verdict)                                                                                              \
    {                                                                                                                                      \
        members, QUORUM_##change, target, QUORUM_##verdict                                                                                 \
    }
static const struct row rows[] = {
    ROW("V", REMOVE, 1, LAST_VOTER),       ROW("v", REMOVE, 1, LAST_VOTER),       ROW("VL", REMOVE, 1, LAST_VOTER),
    ROW("VL", REMOVE, 2, ALLOWED),         ROW("vl", REMOVE, 2, ALLOWED),         ROW("VV", REMOVE, 1, ALLOWED),
    ROW("Vv", REMOVE, 1, TOO_FEW_LEFT),    ROW("Vv", REMOVE, 2, ALLOWED),         ROW("VVV", REMOVE, 1, ALLOWED),
    ROW("VVv", REMOVE, 1, TOO_FEW_LEFT),   ROW("VVv", REMOVE, 3, ALLOWED),        ROW("Vvv", REMOVE, 3, TOO_FEW_LEFT),
    ROW("VVLL", REMOVE, 2, ALLOWED),       ROW("VvLL", REMOVE, 1, TOO_FEW_LEFT),  ROW("VVVv", REMOVE, 1, ALLOWED),
    ROW("VVvv", REMOVE, 4, ALLOWED),       ROW("VVvvv", REMOVE, 5, TOO_FEW_LEFT), ROW("VVVvv", REMOVE, 1, TOO_FEW_LEFT),
    ROW("VVVvv", REMOVE, 5, ALLOWED),      ROW("VVV", REMOVE, 9, NO_SUCH_MEMBER), ROW("VL", PROMOTE, 2, ALLOWED),
    ROW("Vl", PROMOTE, 2, TOO_FEW_LEFT),   ROW("VvL", PROMOTE, 3, ALLOWED),       ROW("VVl", PROMOTE, 3, ALLOWED),
    ROW("Vvl", PROMOTE, 3, TOO_FEW_LEFT),  ROW("VVvvL", PROMOTE, 5, ALLOWED),     ROW("VVV", PROMOTE, 1, ALLOWED),
    ROW("VV", PROMOTE, 9, NO_SUCH_MEMBER), ROW("V", ADD_LEARNER, 9, ALLOWED),     ROW("vvv", ADD_LEARNER, 9, ALLOWED),
    ROW("V", ADD_VOTER, 9, TOO_FEW_LEFT),  ROW("VV", ADD_VOTER, 9, ALLOWED),      ROW("VVv", ADD_VOTER, 9, TOO_FEW_LEFT),
    ROW("VVV", ADD_VOTER, 9, ALLOWED),     ROW("V", CHANGE_UNKNOWN, 1, UNKNOWN),  ROW("VVV", CHANGE_UNKNOWN, 1, UNKNOWN),
    ROW("", REMOVE, 1, NO_SUCH_MEMBER),    ROW("L", PROMOTE, 1, ALLOWED),
};

static struct cluster_view *view_of(const char *members, struct quorum_health *out_health)
{
    struct cluster_view *view = calloc(1, sizeof *view);

    if (view == NULL)
        abort();
    memset(out_health, 0, sizeof *out_health);
    view->live = LIVE_REACHABLE;
    view->cluster.value = 0xc1;
    for (; members[view->list.count] != '\0'; view->list.count++) {
        char letter = members[view->list.count];
        view->list.members[view->list.count].id.value = view->list.count + 1;
        view->list.members[view->list.count].is_learner = tolower(letter) == 'l';
        out_health->is_healthy[view->list.count] = isupper(letter) != 0;
    }
    return view;
}

static void each_row_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct quorum_health health;
        struct cluster_view *view = view_of(rows[i].members, &health);
        enum quorum_verdict verdict = quorum_judge(view, &health, rows[i].change, (struct member_id){rows[i].target});
        if (verdict != rows[i].verdict)
            fail_msg("%s change %d target %zu: %d, wanted %d", rows[i].members, (int)rows[i].change, rows[i].target, (int)verdict,
                     (int)rows[i].verdict);
        free(view);
    }
}

static void without_a_barrier_read_nothing_is_allowed(void **state)
{
    struct quorum_health health;
    struct cluster_view *view = view_of("VVV", &health);

    (void)state;
    for (int live = LIVE_UNKNOWN; live < LIVE_REACHABLE; live++) {
        view->live = (enum live_cluster)live;
        for (int change = QUORUM_CHANGE_UNKNOWN; change <= QUORUM_PROMOTE; change++)
            assert_int_equal(quorum_judge(view, &health, (enum quorum_change)change, (struct member_id){1}), QUORUM_UNKNOWN);
    }
    free(view);
}

static void a_quorum_is_more_than_half(void **state)
{
    static const size_t sizes[] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5};

    (void)state;
    for (size_t voters = 0; voters < sizeof sizes / sizeof sizes[0]; voters++)
        assert_int_equal(quorum_size(voters), sizes[voters]);
}

/* Healthy: who answers as its ID in the list's cluster, with a leader or as a learner. */
static void healthy_is_who_answers_as_its_id(void **state)
{
    static const struct {
        enum endpoint_state state;
        uint64_t id, cluster;
        bool is_healthy;
    } cases[] = {
        {ENDPOINT_SERVING, 1, 0xc1, true},      {ENDPOINT_LEARNER, 1, 0xc1, true},  {ENDPOINT_NO_QUORUM, 1, 0xc1, false},
        {ENDPOINT_UNREACHABLE, 1, 0xc1, false}, {ENDPOINT_REFUSES, 1, 0xc1, false}, {ENDPOINT_UNKNOWN, 1, 0xc1, false},
        {ENDPOINT_SERVING, 1, 0xc2, false},     {ENDPOINT_SERVING, 2, 0xc1, false}, {ENDPOINT_SERVING, 0, 0xc1, false},
    };
    struct quorum_health health;
    struct cluster_view *view = view_of("v", &health);

    (void)state;
    view->endpoint_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        view->endpoints[0].state = cases[i].state;
        view->endpoints[0].member.value = cases[i].id;
        view->endpoints[0].cluster.value = cases[i].cluster;
        quorum_health_from_view(view, &health);
        assert_int_equal(health.is_healthy[0], cases[i].is_healthy);
    }
    view->live = LIVE_NO_QUORUM;
    quorum_health_from_view(view, &health);
    assert_false(health.is_healthy[0]);
    free(view);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_judged),
        cmocka_unit_test(without_a_barrier_read_nothing_is_allowed),
        cmocka_unit_test(a_quorum_is_more_than_half),
        cmocka_unit_test(healthy_is_who_answers_as_its_id),
    };
    return cmocka_run_group_tests_name("quorum", tests, NULL, NULL);
}
