#ifndef SHIKAKU_BASE_ATTRIBUTES_H
#define SHIKAKU_BASE_ATTRIBUTES_H

/* The result must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(position, first) __attribute__((format(printf, position, first)))
#define NONNULL __attribute__((nonnull))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
