/*
 * requests.h - the requests of one connection: where the client is in them, and what becomes of the one that is pending
 */
#ifndef HTTP_HTTP1_REQUESTS_H
#define HTTP_HTTP1_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "http/http1/chunk_line.h"
#include "http/http1/head.h"
#include "http/http1/rounds.h"
#include "http/request.h"
#include "message/response.h"

struct http;

#define PROBE_MAX 8    /* "https://" */
#define TRAILER_MAX 18 /* one more than "transfer-encoding" */
/* Bytes of a head with PUT, /, an empty Host and a Content-Length of one digit: no shorter one has a body. */
#define BODY_HEAD_MIN 44

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
	uint32_t counted; /* on this connection */
	struct request current;
	struct head *head; /* of the current one, while it comes in pieces; else NULL */
	uint64_t start;    /* offset of its first byte */
	uint64_t head_ack; /* how far the client had read on the segment that completed the last head */
	bool any_byte;     /* its first byte was here */
	bool pipelined;    /* ... and the client had not waited for the response before */
	bool uncounted;    /* it may be the first one: its method is complete, and its version may tell */
	bool sent;         /* it is counted in rounds.sent */
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
enum pause { PAUSE_NONE,
	     PAUSE_METHOD,
	     PAUSE_VERSION,
	     PAUSE_HEAD,
	     PAUSE_CHUNK_HEAD,
	     PAUSE_CHUNK_END,
	     PAUSE_MESSAGE };

/** struct framing - how the bytes of the pending request are read; what llhttp needs comes last, for few need it */
struct framing {
	enum next_bytes next;
	bool chunked, last_chunk;
	bool expects;     /* the client waits for a 100 before it sends the body */
	bool awaits_body; /* ... and no byte of it was here yet */
	bool run_again;   /* llhttp has more to say about the bytes that it took */
	bool own_slash;   /* the slash that it is given is ours */
	bool foreign;     /* the version is of another protocol */
	uint8_t probe_len;
	size_t name_len;              /* of the field's name at hand, so far */
	uint64_t body_left;           /* of a body with Content-Length */
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
	bool tentative;               /* the pending request: its line is not complete */
	bool on_trial;                /* only its response can show that it is one */
	bool doubted;                 /* ... because it may be a body that was refused */
	bool gapped;                  /* with REQUEST_LOST: what went by unseen may have held a head */
	bool blind;                   /* ... and nothing that the client sent was seen since */
	uint64_t trial_ack, held_ack; /* with on_trial: how far the client had read on its first and its last segment */
	uint64_t held_end;            /* with REQUEST_HELD: where the next request would start */
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
	bool requested;  /* by some request, and neither granted nor denied */
	bool is_connect; /* with REQUEST_TUNNEL: it was CONNECT, for all that is known */
	bool tells;      /* ... to a protocol whose first bytes cannot be a request's */
	bool granted;    /* by a 101 that came before the request was complete, or was captured before it */
	bool is_h2c;     /* it was to HTTP/2, and HTTP/2 reads on */
	enum next_place place; /* ... from here */
	uint64_t from;   /* with REQUEST_TUNNEL: where the other protocol would start */
};

/** struct unseen - the first request of the connection, if it may not have been captured: see unseen.c */
struct unseen {
	uint8_t why; /* 1 + enum lost_reason, or 0 */
	struct wall at;
};

/*
 * requests.c, for client.c and request_feed.c
 */

/** requests_drop_head() - what has come of a head is not needed any more, or none has */
void requests_drop_head(struct http *h);

/** requests_start() - one may start with @line, however its head is read */
void requests_start(struct http *h, struct span line);

/** requests_start_parsed() - ... by llhttp; false when out of memory */
bool requests_start_parsed(struct http *h, struct span line);

/** requests_count() - it is a request now */
void requests_count(struct http *h);

/* What llhttp or head_scan.c has read of it. */
void requests_method_complete(struct http *h);
void requests_head_complete(struct http *h);
void requests_message_complete(struct http *h);

/** requests_send() - the server owes a response to the pending request, of this kind */
void requests_send(struct http *h, enum requested what);

/** requests_malformed() - the bytes at hand are refused */
void requests_malformed(struct http *h);

/** requests_fail() - the pending request is lost, and so is the position */
void requests_fail(struct http *h, enum lost_reason reason);

/** requests_lose_trial() - nothing has shown that the request on trial is one: likewise */
void requests_lose_trial(struct http *h, enum lost_reason reason);

/** requests_lose_position() - forget the pending request and wait for one that starts a segment */
void requests_lose_position(struct http *h);

/** requests_leave_for_http2() - HTTP/2 follows; it reads on if it is followed at all */
void requests_leave_for_http2(struct http *h, enum next_place place);

/** requests_leave_unseen() - what was to follow is not HTTP, or that cannot be known any more: nothing more is read */
void requests_leave_unseen(struct http *h);

/*
 * requests.c, for http1.c
 */

/** requests_await_responses() - the client's direction has ended: is some response still awaited? */
bool requests_await_responses(struct http *h);

/** requests_end() - nothing will follow; @result: of the response at hand */
void requests_end(struct http *h, enum lost_reason reason, enum response_result result);

/*
 * requests.c, for responses.c, when struct rounds says it already
 */

/** requests_response_started() - a final one */
void requests_response_started(struct http *h, int status);

/** requests_switched() - a 101, or 2xx to CONNECT: HTTP ends here, or with the request that is still being sent */
void requests_switched(struct http *h, bool h2c);

/** requests_responses_lost() - it is not known where the next one starts */
void requests_responses_lost(struct http *h);

/*
 * request_feed.c: the next bytes of the pending request; what was taken is gone from @in
 */

void feed_parse(struct http *h, struct span *in);

/** feed_probe() - with REQUEST_TARGET: collect the target's first bytes until it is known whether llhttp needs a slash */
void feed_probe(struct http *h, struct span *in);

/* With BYTES_TARGET, BYTES_LINE_END, BYTES_CHUNK_LINE. */
void feed_target(struct http *h, struct span *in);
void feed_line_end(struct http *h, struct span *in);
void feed_chunk_line(struct http *h, struct span *in);

/* request_callbacks.c */
void request_callbacks_init(llhttp_settings_t *client);

#endif
