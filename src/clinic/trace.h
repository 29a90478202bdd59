#ifndef SHIKAKU_CLINIC_TRACE_H
#define SHIKAKU_CLINIC_TRACE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The way of one request, hop by hop: what was done, how it ended, how long it took. So that nobody has to
 * guess whose fault a slow or a failed check is. Words and numbers only; nothing about the person.
 */
enum hop {
    HOP_SETTINGS,  /* settings, keys and certificates of this terminal */
    HOP_READER,    /* PC/SC and the reader */
    HOP_CARD,      /* the card in it */
    HOP_CHALLENGE, /* a challenge, from the store or from the centre */
    HOP_SIGNATURE, /* PIN or terminal authentication, and the card's signature */
    HOP_RESOLVE,   /* the centre's name */
    HOP_CONNECT,   /* the network */
    HOP_TLS,       /* who the centre is, and whether it takes us */
    HOP_CENTRE,    /* request and answer */
    HOP_COUNT,
};

/* "settings", "reader", … */
const char *hop_name(enum hop hop);
const char *hop_name_ja(enum hop hop);

struct traced_hop {
    enum hop hop;
    const char *outcome; /* a word of ours: "ok", or what went wrong */
    int64_t microseconds;
};

enum { TRACE_HOPS = 32 };

/* Zero-initialised is empty. Hops beyond the last are not recorded. */
struct trace {
    size_t count;
    struct traced_hop hops[TRACE_HOPS];
};

/* outcome is borrowed and static. since: monotonic_microseconds() at its beginning. */
void trace_add(struct trace *trace, enum hop hop, const char *outcome, int64_t since);
void trace_add_took(struct trace *trace, enum hop hop, const char *outcome, int64_t microseconds);

#endif
