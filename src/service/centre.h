#ifndef SHIKAKU_SERVICE_CENTRE_H
#define SHIKAKU_SERVICE_CENTRE_H

#include "audit/log.h"
#include "base/clock.h"
#include "base/region.h"
#include "domain/facts.h"
#include "pki/certificate.h"
#include "pki/terminal_certificate.h"
#include "pki/trust.h"

struct db;
struct job_pool;

/* The terms of 健康保険証利用の申込 in force, as published. */
struct terms {
    const char *version;
    struct bytes text;
};

/*
 * What all threads of front share. Filled before they start and then only read; owned by the program.
 */
struct centre {
    const struct clock *clock;
    struct sha256 id; /* SHA-256 of the centre's CA key: the `centre` field of every statement */
    struct secret_key challenge_key;
    unsigned challenges_most;
    struct trust_anchors *anchors;
    struct terminal_certificate terminal_ca;
    struct terms terms;
    struct audit_log *log;
    struct job_pool *jobs;
    int64_t check_microseconds; /* a check that takes longer answers too_busy */
    int64_t feed_microseconds;  /* older news of certificates: authority_unreachable */
};

/* What one loop thread has of its own. */
struct centre_loop {
    struct centre *centre;
    struct db *checks; /* for checks; driven by the loop */
    /* Called after each submit, so that the loop watches what the connection now waits for. NULL: nothing to
     * do. */
    void (*submitted)(struct centre_loop *loop);
};

/* Who calls over the machine port: by its certificate; its state is a fact that each request asks for. */
struct caller {
    struct machine_subject subject;
    struct certificate_id certificate;
    struct sha256 fingerprint;
};

#endif
