#ifndef TESTS_FAULT_POWER_H
#define TESTS_FAULT_POWER_H

#include <stdint.h>

/*
 * The undo journal that makes power loss visible. A process that runs with libpower.so preloaded writes down,
 * before each change to a file, what was there; a sync takes back what it made durable. After a kill,
 * power_loss.py undoes what no sync had covered. Integers are in the machine's own order: writer and reader
 * are the same machine.
 *
 * The journal's directory holds: `journal` (records, appended by all processes), `counter` (a shared number
 * that orders them), `kept.N` (hard links to what was unlinked or replaced).
 */
enum power_record_kind {
    POWER_WRITE = 1,  /* bytes of a file are about to change: offset, length, size before; old bytes follow */
    POWER_SIZE = 2,   /* its size is: size before, size after in `length`; the bytes cut off follow */
    POWER_SYNC = 3,   /* the file is durable as it was at number `before` */
    POWER_CREATE = 4, /* a name was made in the directory parent: name follows */
    POWER_UNLINK = 5, /* a name was taken away; the file is `kept.NUMBER`: name follows */
    POWER_RENAME = 6, /* name NUL other name follow, other_parent; what stood there is kept.NUMBER if kept */
    POWER_MKDIR = 7,
    POWER_RMDIR = 8,
    POWER_SYNC_DIRECTORY = 9, /* the names in this directory are durable as at number `before` */
};

struct power_record {
    uint32_t magic; /* POWER_MAGIC */
    uint32_t kind;
    uint64_t number;
    uint64_t device;
    uint64_t file; /* inode; of the directory for names */
    uint64_t other_parent;
    uint64_t offset;
    uint64_t length;
    uint64_t size;
    uint64_t before;
    uint32_t kept;    /* 1: there is a kept.NUMBER */
    uint32_t zeros;   /* 1: the old bytes are all zero and do not follow */
    uint32_t payload; /* bytes that follow */
    uint32_t unused;
};

#define POWER_MAGIC 0x52574f50u

#endif
