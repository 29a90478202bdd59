#include "base/region.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct region_block {
    struct region_block *next;
    size_t size;
    size_t used;
    max_align_t data[];
};

enum { FIRST_BLOCK = 8192 };

static struct region_block *block_new(size_t size)
{
    struct region_block *block = malloc(offsetof(struct region_block, data) + size);
    if (block) {
        block->next = NULL;
        block->size = size;
        block->used = 0;
    }
    return block;
}

void *region_alloc(struct region *region, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t aligned = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (aligned == 0)
        aligned = sizeof(max_align_t);
    if (region->limit && aligned > region->limit - region->total)
        return NULL;
    struct region_block *block = region->first;
    if (!block || block->size - block->used < aligned) {
        block = block_new(aligned > FIRST_BLOCK ? aligned : FIRST_BLOCK);
        if (!block)
            return NULL;
        block->next = region->first;
        region->first = block;
    }
    void *memory = (char *)block->data + block->used;
    block->used += aligned;
    region->total += aligned;
    return memset(memory, 0, size ? size : 1);
}

char *region_text(struct region *region, const char *text, size_t length)
{
    char *copy = region_alloc(region, length + 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *region_printf(struct region *region, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return NULL;
    char *text = region_alloc(region, (size_t)length + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

struct bytes region_copy(struct region *region, struct bytes bytes)
{
    uint8_t *copy = region_alloc(region, bytes.length);
    if (!copy)
        return (struct bytes){0};
    if (bytes.length)
        memcpy(copy, bytes.data, bytes.length);
    return bytes_of(copy, bytes.length);
}

void region_reset(struct region *region)
{
    struct region_block *block = region->first;
    while (block && block->next) {
        struct region_block *next = block->next;
        free(block);
        block = next;
    }
    if (block)
        block->used = 0;
    region->first = block;
    region->total = 0;
}

void region_free(struct region *region)
{
    region_reset(region);
    free(region->first);
    *region = (struct region){.limit = region->limit};
}
