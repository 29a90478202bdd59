#ifndef SHIKAKU_BASE_REGION_H
#define SHIKAKU_BASE_REGION_H

#include "base/bytes.h"

/*
 * Memory that lives as long as one request and is freed in one go. Not for secrets: those have owners that
 * wipe. Zero-initialised is empty and usable.
 */
struct region {
    struct region_block *first;
    size_t total; /* bytes handed out */
    size_t limit; /* 0: none; otherwise region_alloc gives NULL beyond it */
};

/* Zeroed, aligned for any type; NULL when memory or the limit is exhausted. */
void *region_alloc(struct region *region, size_t size);
char *region_text(struct region *region, const char *text, size_t length); /* copy with final NUL */
char *region_printf(struct region *region, const char *format, ...) PRINTF_LIKE(2, 3);
struct bytes region_copy(struct region *region, struct bytes bytes); /* data NULL when it fails */
/* Frees all blocks but the first, which is kept for the next request. */
void region_reset(struct region *region);
void region_free(struct region *region);

#endif
