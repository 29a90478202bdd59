#ifndef SHIKAKU_AUTHORITY_DESK_H
#define SHIKAKU_AUTHORITY_DESK_H

#include "authority/authority.h"
#include "authority/permission.h"
#include "http/message.h"

/*
 * One thread that does all the authority's work, request after request, so that the loops of the HTTP server
 * never block; it also keeps those who wait for the feed, and sees to expiry once a minute.
 */
struct desk;

/* authority is borrowed and used by the desk's thread only until desk_close(). */
enum status desk_open(struct authority *authority, const struct clock *clock, struct desk **out) MUST_CHECK;
/* Those who wait for the feed get what there is, and nobody waits from now on. Any thread. */
void desk_release(struct desk *desk);
/* Ends the thread. What was handed in and not done is not answered. NULL is fine. */
void desk_close(struct desk *desk);

/* What a piece of work says. The desk owns the body until it is sent. */
struct desk_reply {
    unsigned status;
    const char *content_type;
    struct buffer body;
};

/* Runs on the desk's thread; reads the request, fills the reply. */
typedef void desk_work(struct authority *authority, const struct http_request *request,
                       struct desk_reply *reply);

/*
 * Keeps the request and has it worked on. Before that the desk looks at the state of the caller's
 * certificate as the authority itself knows it, and at what the caller may do. Loop thread.
 */
void desk_hand_in(struct desk *desk, struct http_request *request, desk_work *work, enum operation operation);
/* The same for the feed: answered once something changes after that sequence, or the time is over. */
void desk_hand_in_feed(struct desk *desk, struct http_request *request, uint64_t after, unsigned wait_ms);

/* Replies. */
void desk_reply_problem(struct desk_reply *reply, unsigned status, const char *code, const char *title);

#endif
