/* The one source of chance: xorshift64*, so that a seed means the same on every machine. */
#include "sim.h"

static uint64_t state;

uint64_t chance_next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

void chance_seed(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (int i = 0; i < 8; i++)
        chance_next();
}

int64_t chance_between(int64_t low, int64_t high) { return low + (int64_t)(chance_next() % (uint64_t)(high - low + 1)); }

bool chance_percent(unsigned percent) { return chance_next() % 100 < percent; }
