/* Versions of etcd that one should not run, by what they do to data or membership. Said once in the log and in /status; nothing is refused for it:
 * a cluster that runs is worth more than a rule. */
#ifndef USHER_CORE_KNOWN_BAD_H
#define USHER_CORE_KNOWN_BAD_H

/* What is wrong with this version and which one mends it, in one sentence; NULL = nothing that we know of, or not a version. */
const char *known_bad_etcd(const char *version);

#endif
