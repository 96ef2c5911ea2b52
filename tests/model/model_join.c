/* The join decision over every small cluster, in passes: each pass multiplies the dimensions that can meet each other, all others stay at
 * their plain value; the last one draws all of them at random, from a fixed seed. */
#include "join_rules.h"
#include "rules.h"

#include <string.h>

enum { AXES_MAX = 16, ALL = 0 };

/* `values` NULL: 0 to count - 1; count ALL: every value there is. */
struct axis {
    enum dimension dimension;
    unsigned count;
    const unsigned char *values;
};

static struct scene scene;

static void visit(void)
{
    struct join_decision decision, again;

    scene_settle(&scene);
    decision = join_decide(&scene.facts);
    join_rules_safe(&scene, &decision);
    join_rules_live(&scene, &decision);
    if (rules_states % 4 == 0) {
        struct judged judged = {&scene, &decision};
        again = join_decide(&scene.facts);
        rule_says(SAME_FACTS, join_decisions_equal(&decision, &again), judged_describe, &judged);
        join_rules_permit_helps(&scene, &decision);
    }
    rules_states++;
}

static unsigned axis_count(const struct axis *axis) { return axis->count == ALL ? dimension_count(axis->dimension) : axis->count; }

static void axis_set(const struct axis *axis, unsigned at)
{
    scene_set(&scene, axis->dimension, axis->values != NULL ? axis->values[at] : at);
}

/* Our URL says nothing where we are not listed. */
static bool is_repeated(void) { return scene.at[SELF] == SELF_ABSENT && scene.at[SELF_URL] != URL_OURS; }

/* The last axis turns fastest; a dimension is set only when it changes. */
static void walk(const struct axis *axes, unsigned count)
{
    unsigned at[AXES_MAX] = {0}, turning = count;

    scene_init(&scene);
    for (unsigned i = 0; i < count; i++)
        axis_set(&axes[i], 0);
    while (turning > 0) {
        if (!is_repeated())
            visit();
        for (turning = count; turning > 0; turning--) {
            unsigned i = turning - 1;
            if (++at[i] < axis_count(&axes[i])) {
                axis_set(&axes[i], at[i]);
                break;
            }
            at[i] = 0;
            axis_set(&axes[i], 0);
        }
    }
}
#define WALK(axes) walk(axes, sizeof axes / sizeof axes[0])

static const unsigned char own_permits[] = {P_NONE, P_REPLACE_SELF, P_START_SELF};
static const unsigned char lists[] = {REACH_LIST, REACH_OTHER_LIST};
static const unsigned char no_lists[] = {REACH_NOBODY,    REACH_NOBODY_BUT_UNASKED, REACH_NOBODY_BUT_REFUSES,
                                         REACH_NO_QUORUM, REACH_NO_QUORUM_COPY,     REACH_UNKNOWN,
                                         REACH_NOT_LOOKED};
static const unsigned char with_data[] = {W_IDS, W_IDS_GONE, W_IDS_FOREIGN, W_REMAINS, W_TORN, W_UNREADABLE, W_UNKNOWN};
static const unsigned char only_none[] = {W_NONE};
static const unsigned char only_ids[] = {W_IDS, W_IDS_GONE, W_IDS_FOREIGN};
static const unsigned char main_records[] = {R_EMPTY,   R_OURS,        R_OURS_GONE,  R_OURS_FIRST,
                                             R_FOREIGN, R_FORGOT_OURS, R_UNREADABLE, R_NOT_READ};
static const unsigned char few[] = {0, 1, 2, 7, 8, 12, 27}; /* nobody, one of some kinds, two */

/* Every cluster of up to five, every role of ours in it, all data, all records. */
static void every_cluster(bool is_quick)
{
    const struct axis axes[] = {{OTHERS, others_count(is_quick ? 1 : 4), NULL},
                                {SELF, ALL, NULL},
                                {SELF_URL, ALL, NULL},
                                {SECOND, ALL, NULL},
                                {WAL, ALL, NULL},
                                {RECORD, ALL, NULL},
                                {PERMIT, 3, own_permits},
                                {GAUGE, ALL, NULL},
                                {LOOKED, ALL, NULL},
                                {LEFT, 2, NULL}};
    const struct axis five[] = {
        {OTHERS, others_count(is_quick ? 2 : 5), NULL}, {SELF, ALL, NULL}, {SELF_URL, ALL, NULL}, {SECOND, ALL, NULL}, {WAL, ALL, NULL},
        {RECORD, sizeof main_records, main_records},    {GAUGE, ALL, NULL}};

    WALK(axes);
    WALK(five);
}

/* No list: who may found, and what starts. */
static void nobody_or_no_quorum(bool is_quick)
{
    const struct axis founding[] = {{REACH, sizeof no_lists, no_lists},
                                    {STRAY, ALL, NULL},
                                    {WAL, 1, only_none},
                                    {RECORD, ALL, NULL},
                                    {BOOTSTRAP, ALL, NULL},
                                    {EXPECTED, ALL, NULL},
                                    {PERMIT, ALL, NULL},
                                    {PERMIT_FROM, is_quick ? 1 : ALL, NULL},
                                    {NONCE, ALL, NULL},
                                    {TRACE, ALL, NULL},
                                    {NOTES, ALL, NULL},
                                    {SLOT, 2, NULL},
                                    {HAS_RECORD, ALL, NULL}};
    const struct axis data[] = {{REACH, sizeof no_lists, no_lists},
                                {STRAY, ALL, NULL},
                                {WAL, sizeof with_data, with_data},
                                {RECORD, ALL, NULL},
                                {PERMIT, ALL, NULL},
                                {EXPECTED, ALL, NULL},
                                {LEFT, ALL, NULL},
                                {SLOT, ALL, NULL},
                                {NONCE, is_quick ? 2 : ALL, NULL},
                                {UNREADABLE_DATA, ALL, NULL},
                                {NOTES, is_quick ? 1 : 2, NULL}};

    WALK(founding);
    WALK(data);
}

/* A list: policies, notes and permits that meet each kind of data. */
static void beside_a_list(bool is_quick)
{
    unsigned clusters = is_quick ? 3 : sizeof few;
    const struct axis blank[] = {{REACH, 2, lists},      {STRAY, ALL, NULL},         {OTHERS, clusters, few},
                                 {SELF, ALL, NULL},      {WAL, 1, only_none},        {RECORD, sizeof main_records, main_records},
                                 {PERMIT, 4, NULL},      {JOIN_RECORD, ALL, NULL},   {NOTES, ALL, NULL},
                                 {LOST_DATA, ALL, NULL}, {SINCE_REMOVAL, ALL, NULL}, {GAUGE, ALL, NULL},
                                 {LOOKED, ALL, NULL},    {QUORUM_READ, ALL, NULL}};
    const struct axis ids[] = {{REACH, 2, lists},
                               {STRAY, is_quick ? 2 : ALL, NULL},
                               {OTHERS, clusters, few},
                               {SELF, ALL, NULL},
                               {WAL, sizeof only_ids, only_ids},
                               {RECORD, sizeof main_records, main_records},
                               {EXPECTED, ALL, NULL},
                               {PERMIT, is_quick ? 5 : ALL, NULL},
                               {LEFT, ALL, NULL},
                               {REJOIN, ALL, NULL},
                               {STALE_DATA, ALL, NULL},
                               {FREE_SPACE, ALL, NULL},
                               {SLOT, 2, NULL}};
    const struct axis rests[] = {{REACH, 2, lists},
                                 {OTHERS, clusters, few},
                                 {SELF, ALL, NULL},
                                 {SELF_URL, ALL, NULL},
                                 {WAL, sizeof with_data, with_data},
                                 {RECORD, ALL, NULL},
                                 {PERMIT, ALL, NULL},
                                 {JOIN_RECORD, ALL, NULL},
                                 {NONCE, ALL, NULL},
                                 {FREE_SPACE, ALL, NULL},
                                 {UNREADABLE_DATA, ALL, NULL}};

    WALK(blank);
    WALK(ids);
    if (!is_quick)
        WALK(rests);
}

static void guards(bool is_quick)
{
    const struct axis axes[] = {
        {REACH, ALL, NULL}, {SELF, 2, NULL},   {WAL, ALL, NULL},         {RECORD, ALL, NULL}, {PERMIT, is_quick ? 3 : ALL, NULL},
        {LIVES, ALL, NULL}, {PLAN, ALL, NULL}, {POD_REMOVED, ALL, NULL}, {REJOIN, ALL, NULL}, {PLACE, ALL, NULL}};
    WALK(axes);
}

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

/* All dimensions at once. Guards that end every story are drawn seldom. */
static void anything(unsigned rounds)
{
    uint64_t state = 3;

    scene_init(&scene);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < DIMENSIONS; i++) {
            uint64_t random = draw(&state);
            bool is_seldom = i >= LIVES || i == SLOT || i == EXPECTED || i == STRAY;
            unsigned value = is_seldom && random >> 60 != 0 ? 0 : (unsigned)(random % dimension_count((enum dimension)i));
            scene_set(&scene, (enum dimension)i, value);
        }
        visit();
    }
}

void model_join(bool is_quick)
{
    every_cluster(is_quick);
    nobody_or_no_quorum(is_quick);
    beside_a_list(is_quick);
    guards(is_quick);
    anything(is_quick ? 200000 : 3000000);
}
