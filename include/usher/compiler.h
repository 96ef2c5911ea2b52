/* What the compiler checks for us. Included by every header that needs one of these. */
#ifndef USHER_COMPILER_H
#define USHER_COMPILER_H

/* The caller must look at the result: an ignored failure is how data gets lost. */
#define USHER_MUST_CHECK __attribute__((warn_unused_result))

/* printf-like: argument number of the format, and of the first value. */
#define USHER_PRINTF(format_at, values_at) __attribute__((format(printf, format_at, values_at)))

/* Scope cleanup. Each type with something to give back ships its own `x_cleanup(struct x **)` or
 * `x_done(struct x *)` and uses this attribute with it. */
#define USHER_CLEANUP(function) __attribute__((cleanup(function)))

#endif
