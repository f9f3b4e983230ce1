/*
 * http1_impl.h - one connection's HTTP, for the files that share the work
 *
 *   requests.c            where requests begin and end, and what a gap does to them
 *   request_callbacks.c  what llhttp says about a request, and what it lets through that we don't
 *   plausible.c       may a request begin here? After a gap, and when the client didn't wait
 *   unseen.c     requests of which nothing was captured
 *   rounds.c     requests and responses, counted: what each says of the other
 *   responses.c    the responses, for what they say about requests
 *   pairs.c      the responses themselves, where somebody wants them
 */
#ifndef HTTP_HTTP1_HTTP1_IMPL_H
#define HTTP_HTTP1_HTTP1_IMPL_H

#include "http/http1/chunk_line.h"
#include "http/http1/at_hand.h"
#include "http/http1/http1.h"
#include "http/http1/llhttp_rules.h"
#include "http/http1/pairs.h"
#include "http/http1/rounds.h"

#define PROBE_MAX 8        /* "https://" */
#define TRAILER_MAX 18     /* one more than "transfer-encoding" */
#define BODY_HEAD_MIN 44   /* bytes of a head with PUT, /, an empty Host and a Content-Length of one digit: no shorter one has a body */

/* Where in the requests the client is. What an open one (METHOD to BODY) holds is in struct requests and struct framing. */
enum request_state {
	REQUEST_NONE,   /* between requests */
	REQUEST_METHOD, /* one may have started, but its method is not complete: nothing is counted */
	REQUEST_TARGET, /* after the method; the target's first bytes are in framing.probe */
	REQUEST_HEAD,
	REQUEST_BODY,
	REQUEST_HELD,   /* whole, but on trial: nothing is handed on until its response starts */
	REQUEST_LOST,   /* the position is not known: wait for a segment that starts a request */
	REQUEST_TUNNEL, /* CONNECT or an upgrade was requested: bytes are dropped until the response says what they are */
	REQUEST_OVER,   /* see result */
};

/** struct requests - where in them the client is, and the one that is pending */
struct requests {
	enum request_state state;
	uint32_t counted;       /* on this connection */
	struct request current;
	uint32_t start;         /* sequence number of its first byte */
	uint32_t head_ack;      /* how far the client had read on the segment that completed the last head */
	bool any_byte;          /* its first byte was here */
	bool pipelined;         /* ... and the client had not waited for the response before */
	bool uncounted;         /* it may be the first one: its method is complete, and its version may tell */
	bool sent;              /* it is counted in rounds.sent */
};

/* What the next bytes of the request are, when its method is complete. */
enum next_bytes {
	BYTES_PARSED,     /* llhttp's, as they are */
	BYTES_TARGET,     /* of a target in the origin form */
	BYTES_LINE_END,   /* behind the version */
	BYTES_CHUNK_LINE, /* before a chunk */
	BYTES_COUNTED,    /* of a body whose head was scanned: llhttp knows nothing of it */
};

/* Where llhttp was paused, so that what it let through can be looked at. */
enum pause { PAUSE_NONE, PAUSE_METHOD, PAUSE_VERSION, PAUSE_HEAD, PAUSE_CHUNK_HEAD, PAUSE_CHUNK_END, PAUSE_MESSAGE };

/** struct framing - how the bytes of the pending request are read; what llhttp needs comes last, for few need it */
struct framing {
	enum next_bytes next;
	bool chunked, last_chunk;
	bool expects;       /* the client waits for a 100 before it sends the body */
	bool awaits_body;   /* ... and no byte of it was here yet */
	bool run_again;     /* llhttp has more to say about the bytes that it took */
	bool own_slash;     /* the slash that it is given is ours */
	bool foreign;       /* the version is of another protocol */
	uint8_t probe_len;
	size_t name_len;    /* of the field's name at hand, so far */
	uint64_t body_left; /* of a body with Content-Length */
	struct chunk_line chunk_line; /* with BYTES_CHUNK_LINE */
	enum pause pause;
	const char *parse_at;      /* the bytes that llhttp is given now */
	uint8_t last[3];           /* the last ones that it took, the newest first */
	uint8_t probe[PROBE_MAX];  /* with REQUEST_TARGET */
	char trailer[TRAILER_MAX]; /* the first bytes of the trailer's name at hand, name_len of them */
	llhttp_t parser;
};

/** struct guess - what is taken for a request, or for a gap without one, and nothing has shown it yet: see plausible.c */
struct guess {
	bool tentative;  /* the pending request: its line is not complete */
	bool on_trial;   /* only its response can show that it is one */
	bool doubted;    /* ... because it may be a body that was refused */
	bool gapped;     /* with REQUEST_LOST: what went by unseen may have held a head */
	bool blind;      /* ... and nothing that the client sent was seen since */
	uint32_t trial_ack, held_ack; /* with on_trial: how far the client had read on its first and its last segment */
	uint32_t held_end;            /* with REQUEST_HELD: where the next request would start */
	struct wall held_at;          /* ... and when its last byte came */
};

/** struct client - what is known of the client, for the rest of the connection */
struct client {
	bool unproven;     /* nothing has shown yet that it speaks HTTP */
	bool pipelines;    /* it did not always wait for the response */
	bool sends_bodies; /* some request had one, or may have had */
	bool expects;      /* it asks before it sends a body: what it has read may be less than a response */
};

/** struct upgrade - to another protocol */
struct upgrade {
	bool requested;    /* by some request, and neither granted nor denied */
	bool is_connect;   /* with REQUEST_TUNNEL: it was CONNECT, for all that is known */
	bool tells;        /* ... to a protocol whose first bytes cannot be a request's */
	bool granted;      /* by a 101 that came before the request was complete, or was captured before it */
	uint32_t from;     /* with REQUEST_TUNNEL: where the other protocol would start */
};

/** struct unseen - the first request of the connection, if it may not have been captured: see unseen.c */
struct unseen {
	uint8_t why;    /* 1 + enum lost_reason, or 0 */
	struct wall at;
};

/* Where in the responses the server is. What requests.c may know of it is in struct rounds (followed, switched). */
enum response_state {
	RESPONSES_LOST,     /* it is not known where the next starts: wait for a segment that starts with a status line */
	RESPONSES_BETWEEN,
	RESPONSES_HEAD,     /* in a response; its head is not complete */
	RESPONSES_BODY,     /* llhttp's, to the end of the response */
	RESPONSES_COUNTED,  /* in a body whose head was scanned: llhttp knows nothing of it */
	RESPONSES_SWITCHED, /* the last one ended HTTP: no more are read */
};

/** struct responses - where in them the server is, and the one at hand */
struct responses {
	enum response_state state;
	uint32_t start;         /* sequence number of the first byte of the response at hand */
	uint32_t requests_read; /* how far the server had read the requests then */
	uint32_t head_bytes;    /* of its head and of interim ones before it */
	uint64_t left;          /* of a body with Content-Length */
	uint64_t length;        /* Content-Length of the response at hand, or 0 */
	struct response_chunks chunks;
	llhttp_t parser;
};

/** struct http - what each request touches comes first, in as few cache lines as it takes; what few need comes last */
struct http {
	struct reader reader; /* first: what the tracker holds */
	struct http_env *env;
	struct pairs *pairs; /* NULL unless responses may be wanted */
	enum reader_result result;
	struct client client;
	struct guess guess;
	struct requests requests;
	struct at_hand at_hand;
	struct upgrade upgrade;
	struct rounds rounds;
	struct responses responses;
	struct framing framing;
	struct unseen unseen;
	struct http *next; /* in the free list */
};

static inline struct http *http_of(llhttp_t *p)
{
	return p->data;
}

/** http_responses_seen() - was all of the responses captured that the client had read when it sent the segment at hand? */
static inline bool http_responses_seen(const struct http *h)
{
	return h->at_hand.has_ack && rounds_captured(&h->rounds, h->at_hand.ack);
}

/** http_request_open() - has a request started that is neither whole nor lost? */
static inline bool http_request_open(const struct http *h)
{
	return h->requests.state >= REQUEST_METHOD && h->requests.state <= REQUEST_BODY;
}

/* requests.c */

/** http_lose_position() - forget the request in the making and wait for one that begins a segment */
void http_lose_position(struct http *h);

/** http_leave_upgraded() - a 101 or CONNECT: what follows is not HTTP/1 */
void http_leave_upgraded(struct http *h, bool h2c);

/** http_uphold() - the response to the request on trial has begun: it is one, and handed on if it is whole */
void http_uphold(struct http *h);

/** http_leave_unseen() - what became of an upgrade cannot be known any more: nothing that follows is believed */
void http_leave_unseen(struct http *h);

/** http_lose_responses() - it is not known where the next response begins; @result: what that means for the one at hand */
void http_lose_responses(struct http *h, enum response_result result);

/** http_filler() - bytes that stand for those that nobody has: not more than @left of them, never empty */
struct span http_filler(uint64_t left);

/* request_callbacks.c */

void http_callbacks_init(llhttp_settings_t *client);

/** http_count_request() - it is a request now */
void http_count_request(struct http *h);

/* plausible.c */

/** http_begins_pipelined() - did the client not wait for the response to the request before? */
bool http_begins_pipelined(const struct http *h);

enum belief { BELIEF_NONE, BELIEF_TRIAL, BELIEF_FULL };

/** http_believable() - the segment at hand begins with a request line, or seems to: is it one? */
enum belief http_believable(const struct http *h, struct span segment);

/** http_final_owed() - is an interim response the last that the client had read when it sent the segment at hand? */
bool http_final_owed(const struct http *h);

/** http_body_doubtful() - may the segment at hand begin the next request rather than the body that was announced? */
bool http_body_doubtful(const struct http *h, struct span segment);

/** http_accepted() - did the server ask for the body of the request in the making? */
bool http_accepted(const struct http *h);

/** http_trial_over() - the client has sent the segment at hand: can the request on trial not be upheld any more? */
bool http_trial_over(const struct http *h, struct span segment);

/** http_trial_won() - the last response that began is that of the request on trial, which is whole and held */
bool http_trial_won(const struct http *h);

/* responses.c */

/* What llhttp says about a response. */
int http_response_head(struct http *h);
void http_response_body(struct http *h, size_t len);
int http_response_complete(struct http *h);

/* response_callbacks.c */

/** http_response_callbacks_init() - @kept: for responses that pairs.c keeps */
void http_response_callbacks_init(llhttp_settings_t *plain, llhttp_settings_t *kept);

#endif
