/* What must hold for a join decision in a scene. */
#ifndef USHER_TESTS_JOIN_RULES_H
#define USHER_TESTS_JOIN_RULES_H

#include "scene.h"

struct judged {
    const struct scene *scene;
    const struct join_decision *decision;
};

void judged_describe(const void *judged);
/* Safety: what may never be decided. */
void join_rules_safe(const struct scene *scene, const struct join_decision *decision);
/* Progress: what has to be decided. */
void join_rules_live(const struct scene *scene, const struct join_decision *decision);
/* Adds the permit that a decision names, decides again, takes it back. Slower: the caller samples. */
void join_rules_permit_helps(struct scene *scene, const struct join_decision *decision);
bool join_decisions_equal(const struct join_decision *a, const struct join_decision *b);

/* No guard speaks: nothing lives here, the place is good, this pod was not removed, disk and cluster were looked at. */
bool scene_guards_pass(const struct scene *scene);
bool scene_is_foreign(const struct scene *scene);

#endif
