/*
 * reassembler.h - segments in, complete HTTP requests out
 *
 * The one door to this floor. Inside: flow.c keeps the connections, stream.c
 * puts the bytes of a direction in order, requests.c finds the requests in them.
 * One thread; no clock but the segments' own; no allocation per packet, and
 * none for a request whose body nobody wants.
 */
#ifndef REASSEMBLY_REASSEMBLER_H
#define REASSEMBLY_REASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "capture/segment.h"
#include "message/message.h"
#include "reassembly/reassembly_stats.h"
#include "message/response.h"

enum keep {
	KEEP_NOTHING, /* count it; on_request gets no message */
	KEEP_LENT,    /* as KEEP_HEAD, to be looked at: on_request may do nothing with it but message_unref() */
	KEEP_HEAD,    /* a message without its body */
	KEEP_WHOLE,   /* head and body */
};

struct head_decision {
	enum keep keep;
	bool digest;     /* also the SHA-256 of the body, kept or not */
	uint8_t verdict; /* handed back with the request, not looked at */
	bool response;     /* with KEEP_WHOLE and keep_responses: on_response is called for it, later and once */
	bool limited;    /* a body longer than max_body makes it LOST_TOO_LARGE; always so with KEEP_WHOLE */
};

/**
 * struct reassembly_sink - whom to tell; all called on the lane's thread
 * @on_head:     the head is complete: decide. Everything is borrowed. There is no id yet: what is not kept gets none
 * @on_request:  the request is complete. @m is taken, and NULL with KEEP_NOTHING or when @out_of_memory; with
 *               KEEP_LENT its bytes may be the segment's
 *               (the bytes could not be kept under --max-memory)
 * @on_lost:     a request that had begun will never be complete; @origin borrowed
 * @on_response: the response to a request that on_request got with this response_token, or why there is none:
 *               taken; NULL when out of memory. Never before on_request, but perhaps long after it.
 */
struct reassembly_sink {
	void *ctx;
	struct head_decision (*on_head)(void *ctx, const struct request_head *head,
					const struct request_origin *origin);
	void (*on_request)(void *ctx, uint8_t verdict, struct message *m, bool out_of_memory);
	void (*on_lost)(void *ctx, enum lost_reason reason, const struct request_origin *origin);
	void (*on_response)(void *ctx, uint64_t token, struct response *response);
};

struct reassembly_options {
	const uint16_t *server_ports; /* borrowed for the reassembler's incarnation; none: the parser finds the direction */
	size_t server_port_count;
	size_t hold_bytes;     /* out-of-order bytes held per direction before a gap is given up */
	uint64_t max_body;     /* a limited request (head_decision) with a longer body is LOST_TOO_LARGE */
	int64_t idle_ns;       /* capture time without a packet after which a flow is forgotten */
	struct budget *budget; /* shared with the loop; borrowed */
	bool llhttp_only;      /* scan no head: slower and the same, for tests */
	bool keep_responses;     /* the sink may ask for answers; on_response is set */
	uint64_t max_response;   /* bytes of the body of a response that is kept */
	uint64_t first_token;  /* tokens count on from here: lanes begin far from each other */
};

struct reassembler;

/** reassembler_new() - NULL when out of memory; @options copied */
struct reassembler *reassembler_new(const struct reassembly_options *options, const struct reassembly_sink *sink);

/**
 * reassembler_feed() - one segment, in the order of capture
 *
 * Requests that it completes reach the sink before this returns.
 */
void reassembler_feed(struct reassembler *r, const struct segment *segment);

/** reassembler_pass_time() - a segment of this time was captured that somebody else is fed with */
void reassembler_pass_time(struct reassembler *r, struct wall now);

/** reassembler_pass_quiet() - live: nothing was captured for @ns more, so what waits for time need not wait for packets */
void reassembler_pass_quiet(struct reassembler *r, int64_t ns);

/** reassembler_finish() - the capture is over: what is in the making is LOST_CUT_AT_END; gaps are closed first */
void reassembler_finish(struct reassembler *r);

/** reassembler_stats() - any thread may read it while the reassembler incarnations */
const struct reassembly_stats *reassembler_stats(const struct reassembler *r);

/** reassembler_free() - without telling the sink anything: call reassembler_finish() first */
void reassembler_free(struct reassembler *r);

#endif
