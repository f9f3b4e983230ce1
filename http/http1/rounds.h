/*
 * rounds.h - requests sent and responses started on one connection, and what each says of the other
 *
 * Theory of operation. The n-th final response answers the n-th request that was
 * sent; an interim one (1xx) counts for nothing. requests.c and responses.c know
 * one direction each, and what they have to tell each other is said here. Either
 * may ask, and both write by the functions below only.
 *
 * The two counts may be compared (comparable) from the start of the connection on.
 * A gap in the responses takes that away, and so does one in which requests lie;
 * a client that had read all responses when it sent a request gives it back:
 * rounds_recount(). Where the next response starts (followed) is known until a gap
 * in the responses that cannot be counted through, and again from a segment on that
 * starts with a status line.
 *
 * Of the last final responses it is remembered where each started and how far the
 * server had read the requests then, which its segment acknowledged: so it is known
 * which of them the client had read when it sent a segment, and where the server
 * saw the next request start. Of the last interim ones the start is remembered: the
 * final response is still owed after them. Responses may be captured ahead of the
 * requests or wait behind a gap; what is remembered is enough for both.
 *
 * Positions are offsets (reassembly/chunk.h): those of responses, and what the client had read
 * (@read), in the server's stream; those of requests in the client's.
 */
#ifndef HTTP_HTTP1_ROUNDS_H
#define HTTP_HTTP1_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "reassembly/chunk.h"

#define OUTSTANDING_MAX 64 /* requests without a response whose kind is remembered; power of two */
#define STARTS_MAX 32      /* final responses whose start is remembered; power of two */
#define INTERIMS_MAX 4     /* interim responses, likewise */

/* What a response means depends on what was requested. In this order: the last ones ask for another protocol. */
enum requested { REQUESTED_PLAIN,
		 REQUESTED_HEAD,
		 REQUESTED_CONNECT,
		 REQUESTED_UPGRADE,
		 REQUESTED_H2C };

/** struct response_start - where a final response started */
struct response_start {
	uint64_t at;
	uint64_t requests_read; /* where the server was in the requests then */
};

/** struct interim_start - where an interim response started */
struct interim_start {
	uint64_t at;
	bool is_100;
};

/** struct rounds - what each request touches comes first */
struct rounds {
	const struct stream_place *stream; /* the server's; borrowed: how far the responses were captured */
	uint32_t sent, answered;           /* requests, and final responses that have started; they wrap together */
	bool comparable;                   /* sent and answered can be compared */
	bool followed;                     /* it is known where responses start */
	bool followed_always;              /* ... and has been since the connection's start */
	bool switched;                     /* the last response that started ends HTTP */
	bool client_has_read;              /* some segment of the client's said how far it had read */
	uint8_t interim_count;             /* since the place in the responses was lost, up to INTERIMS_MAX */
	uint64_t client_read;              /* ... that far, before the segment at hand */
	uint64_t followed_from;            /* where they could be followed again, after the place was lost */
	uint8_t requested[OUTSTANDING_MAX];
	struct response_start starts[STARTS_MAX];    /* by their number */
	struct interim_start interims[INTERIMS_MAX]; /* the newest first */
};

/** rounds_init() - @rounds are zero; @whole: the connection was seen from its first byte */
static inline void rounds_init(struct rounds *r, const struct stream_place *responses, bool whole)
{
	r->stream = responses;
	r->comparable = r->followed = r->followed_always = whole;
}

/* ---- requests ---- */

/** rounds_has_read_on() - had the client read more at @read than on any segment before? Yes, if there was none */
static inline bool rounds_has_read_on(const struct rounds *r, uint64_t read)
{
	return !r->client_has_read || r->client_read < read;
}

/** rounds_client_read() - a segment of the client's is over on which it had read up to @read */
static inline void rounds_client_read(struct rounds *r, uint64_t read)
{
	if (rounds_has_read_on(r, read))
		r->client_read = read;
	r->client_has_read = true;
}

/** count_ahead() - how far the count @to is ahead of @from; negative if behind. Counts wrap */
static inline int32_t count_ahead(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

/** rounds_outstanding() - requests without a response, with comparable; negative: responses were captured first */
static inline int32_t rounds_outstanding(const struct rounds *r)
{
	return (int32_t)(r->sent - r->answered);
}

/**
 * rounds_request_sent() - the server owes one more response
 * Return: false if so many are outstanding that their kinds are forgotten: the counts are not comparable any more
 */
static inline bool rounds_request_sent(struct rounds *r, enum requested what)
{
	r->requested[r->sent++ % OUTSTANDING_MAX] = (uint8_t)what;
	if (rounds_outstanding(r) <= OUTSTANDING_MAX)
		return true;
	r->comparable = false;
	return false;
}

/** rounds_request_unsent() - the last that was told as sent was no request, for all that is known; what it asked for */
enum requested rounds_request_unsent(struct rounds *r);

/** rounds_requests_lost() - it is not known how many requests went by */
static inline void rounds_requests_lost(struct rounds *r)
{
	r->comparable = false;
}

/** rounds_recount() - a request starts after all responses up to @read: the client had waited for each */
void rounds_recount(struct rounds *r, uint64_t read);

/** rounds_last_requested() - what the last request that was sent asked for */
static inline enum requested rounds_last_requested(const struct rounds *r)
{
	return (enum requested)r->requested[(r->sent - 1) % OUTSTANDING_MAX];
}

/** rounds_next_requested() - what the next final response answers; one that came first is taken for a plain one's */
static inline enum requested rounds_next_requested(const struct rounds *r)
{
	return rounds_outstanding(r) > 0 ? (enum requested)r->requested[r->answered % OUTSTANDING_MAX] : REQUESTED_PLAIN;
}

/** rounds_all_answered() - has each request that was sent its response, for certain? */
static inline bool rounds_all_answered(const struct rounds *r)
{
	return r->comparable && rounds_outstanding(r) <= 0;
}

/* ---- responses ---- */

/** rounds_response_started() - a final one, at @at; its segment acknowledged @requests_read */
static inline void rounds_response_started(struct rounds *r, uint64_t at, uint64_t requests_read)
{
	r->starts[r->answered % STARTS_MAX] = (struct response_start){ at, requests_read };
	r->answered++;
}

/** rounds_interim_started() - likewise an interim one, with which the final one is still owed */
void rounds_interim_started(struct rounds *r, uint64_t at, bool is_100);

/** rounds_responses_found() - a response starts at @at, for all that is known */
static inline void rounds_responses_found(struct rounds *r, uint64_t at)
{
	if (!r->followed)
		r->followed_from = at;
	r->followed = true;
}

/** rounds_responses_lost() - it is not known where the next one starts */
void rounds_responses_lost(struct rounds *r);

/** rounds_switched() - the last response that started ends HTTP: none follows it */
static inline void rounds_switched(struct rounds *r)
{
	r->switched = true;
}

/* ---- what the one says of the other ---- */

/** rounds_captured() - were all responses captured up to @read? */
static inline bool rounds_captured(const struct rounds *r, uint64_t read)
{
	return r->stream->synced && r->stream->next >= read;
}

/** rounds_answered_by() - final responses of which the client had read something at @read */
uint32_t rounds_answered_by(const struct rounds *r, uint64_t read);

/** rounds_all_read() - had the client read something of each response that it was owed, at @read, for certain? */
static inline bool rounds_all_read(const struct rounds *r, uint64_t read)
{
	return r->comparable && count_ahead(r->sent, rounds_answered_by(r, read)) >= 0;
}

/** rounds_requests_read() - is the last response that started before @read known, and had the server read up to @to then? */
bool rounds_requests_read(const struct rounds *r, uint64_t read, uint64_t to);

/** rounds_final_owed() - was an interim response the last that the client had read of, at @read? */
bool rounds_final_owed(const struct rounds *r, uint64_t read);

/** rounds_interim_since() - ... and had it started at @since or later? */
bool rounds_interim_since(const struct rounds *r, uint64_t read, uint64_t since);

/** rounds_continued() - is a 100 the last response that started, at @since or later? */
bool rounds_continued(const struct rounds *r, uint64_t since);

/**
 * rounds_confirm() - is the response that follows those up to @read that of the request of @start to @end?
 *
 * Only if it has started, just where the client was waiting or behind an interim response that did, and if the server
 * had then read just to the request's end, and with the response before it just to its start.
 */
bool rounds_confirm(const struct rounds *r, uint64_t read, uint64_t start, uint64_t end);

/** rounds_asked_ahead() - did the last two responses start with nothing of the client's read in between? */
static inline bool rounds_asked_ahead(const struct rounds *r)
{
	uint32_t last = r->answered - 1;

	return last > 0 && r->starts[(last - 1) % STARTS_MAX].requests_read >= r->starts[last % STARTS_MAX].requests_read;
}

#endif
