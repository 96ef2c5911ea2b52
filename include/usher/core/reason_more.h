/* The reasons of promote (3xx), leave (4xx), seats (5xx), health (6xx) and waits (7xx). Same columns as reason.h, which includes this. */
#ifndef USHER_CORE_REASON_MORE_H
#define USHER_CORE_REASON_MORE_H

#define USHER_REASONS_MORE(X)                                                                                                              \
    X(700, CALL_AMBIGUOUS, "call-ambiguous", "I8", "a change was sent and its answer is not known: reading the list again before anything else", "nothing")

#endif
