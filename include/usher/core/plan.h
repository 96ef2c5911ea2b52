/* The start plan as a value (DESIGN 5.2): what etcd is to be started with, or why it is held back. member/plan.c renders it into the
 * files of --plan-dir; the launcher reads `launch` only. */
#ifndef USHER_CORE_PLAN_H
#define USHER_CORE_PLAN_H

#include "usher/core/member_list.h"

enum plan_state {
    PLAN_UNKNOWN = 0,
    PLAN_START,   /* launch: state=start   exec etcd */
    PLAN_HOLD,    /* launch: state=hold    wait: the reason says for what (archiving, waiting ...) */
    PLAN_REMOVED, /* launch: state=removed etcd is held back: this member was removed */
    PLAN_REFUSED, /* launch: state=refused a person must decide */
};

enum { INITIAL_CLUSTER_BYTES = 32 * 1024 };

/* The file `launch`: lines KEY=VALUE in this order, no quoting (values hold no newline; a reader splits at the first '='):
 *   format=1
 *   state=start|hold|removed|refused
 *   reason=<short name>
 *   message=<one line for people>
 *   initial-cluster=...            (start only)
 *   initial-cluster-state=new|existing
 *   initial-cluster-token=...
 *   name=...
 *   data-dir=...
 *   wal-dir=...                    (empty when inside the data directory)
 *   initial-advertise-peer-urls=a,b
 *   advertise-client-urls=a,b      (may be empty: not told to us)
 *   end=1                          (a file without it is not whole)
 * A plan for data that exists says `existing`, too: should the WAL vanish in between, etcd must fail rather than found. */
struct plan {
    enum plan_state state;
    const char *reason; /* static text */
    char message[2048];
    bool is_new; /* initial-cluster-state=new */
    char initial_cluster[INITIAL_CLUSTER_BYTES];
    char token[NAME_BYTES + 48];
};

/* "start", "hold", "removed", "refused"; "unknown" for anything else. */
const char *plan_state_word(enum plan_state state);

#endif
