#ifndef SHIKAKU_TESTS_TEST_CENTRE_H
#define SHIKAKU_TESTS_TEST_CENTRE_H

#include <pthread.h>

#include "clinic/clinic.h"
#include "http/server.h"
#include "issued_card.h"

/*
 * A centre that a terminal talks to over plain HTTP on loopback: it gives real challenges, rebuilds what the
 * card must have signed from its own state, verifies it, and answers as the test has set.
 */
enum { MOST_REQUESTS = 32 };

struct test_centre {
    struct test_directory directory;
    char settings[320]; /* clinic.json of a terminal of institution 0110113719 */
    struct test_authority authority;
    struct sha256 centre;  /* hash of its CA's key */
    struct sha256 machine; /* fingerprint of the terminal's machine certificate */
    struct secret_key challenge_key;
    struct http_router *router;
    struct http_server *server;
    uint16_t port;

    pthread_mutex_t lock; /* guards what follows */
    /* Set by the test. */
    unsigned status;               /* of the answer to a check or enrolment */
    const char *body;              /* its text */
    const char *once_refused;      /* a problem's text for the first check, 409; NULL: none */
    const char *challenge_problem; /* for every request for challenges, 403; NULL: none */
    int challenge_life;            /* seconds, as told to the terminal */
    int clock_ahead;               /* seconds: the centre's clock before the terminal's */
    const char *terms;
    /* Observed. */
    unsigned challenge_requests;
    unsigned checks;
    unsigned good_signatures;
    char last_path[64];
    struct buffer last_body;
};

void test_centre_start(struct test_centre *centre);
void test_centre_stop(struct test_centre *centre);

/* What exchange/ writes for an eligible person, and for a number that is lost. Static until the next call. */
const char *eligible_answer(void);
const char *lost_answer(void);
const char *problem_text(enum reason reason);

#endif
