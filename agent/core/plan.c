#include "usher/core/plan.h"

const char *plan_state_word(enum plan_state state)
{
    switch (state) {
    case PLAN_START:
        return "start";
    case PLAN_HOLD:
        return "hold";
    case PLAN_REMOVED:
        return "removed";
    case PLAN_REFUSED:
        return "refused";
    case PLAN_UNKNOWN:
        break;
    }
    return "unknown";
}
