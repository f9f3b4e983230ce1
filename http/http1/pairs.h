/*
 * pairs.h - which response belongs to which request, and the response itself, where it is wanted
 *
 * Theory of operation. Responses are only kept to be compared, so most connections
 * have no pairs: then the pointer is NULL, and every hook below does nothing. That
 * is asked in one place, the macros under the table, and not by the callers. The
 * hooks are inline: a table of function pointers with an empty one in it would
 * cost each request six indirect calls where nothing is compared, and have one
 * implementation for ever.
 *
 * Pairs read what requests and responses have said in struct rounds, and what is
 * given with a hook; they write nothing but themselves. What is decided goes to
 * the sink.
 */
#ifndef HTTP_HTTP1_PAIRS_H
#define HTTP_HTTP1_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/http1/at_hand.h"
#include "http/http1/http1.h"
#include "http/request.h"
#include "http/http1/rounds.h"
#include "message/response.h"

struct pairs;

/**
 * pairs_new() - of a connection whose responses may be wanted
 * @env, @request, @rounds: borrowed for the life of the result
 * @whole:                  the connection was seen from its first byte
 *
 * Return: given, for pairs_free(); NULL when out of memory or over the budget.
 */
struct pairs *pairs_new(struct http_env *env, const struct request *request, const struct rounds *rounds, bool whole);
void pairs_free(struct pairs *p); /* NULL allowed; tells nothing: pairs_ended() first */

/*
 * The hooks, NAME(parameters, arguments). V(...) has a type as well, and returns 0 without pairs.
 *
 * Of requests:
 *   request_started       its first byte may be here; @at_hand: the segment that it is in
 *   request_sent          it is counted in @rounds
 *   request_unsent        the last one that was told as sent was none, for all that is known
 *   requests_lost         the place in the requests is not known; @hidden: one began in the gap for certain
 *   bytes_unread          so many bytes of the client went by in which requests may lie
 *   request_counted       a request is counted: the responses are counted anew from here, if they must and can be
 *   request_decided       its head is complete, and the sink has said whether its response is wanted; @start: its first byte
 *   request_complete      return: the token that its message is to be marked with, or 0
 *   request_handed_over   the sink has it; its response may have been here before it
 *   awaiting              was some request handed over whose response was not?
 *
 * Of responses:
 *   server_bytes          a segment of the server's comes
 *   response_started      at @start; return: is it kept? Then the hooks under "kept" follow
 *   response_counted      ... it is a final one, and counted in @rounds
 *   response_kept         is the one at hand kept?
 *   response_invalid      some of the one at hand is missing, but it is known where it ends
 *   responses_lost        likewise, but it is not known; which response is whose isn't either
 *   server_ended          the server's direction has ended in order
 *   ended                 nothing will follow
 */
#define PAIRS_HOOKS(X, V)                                                                                              \
	X(request_started, (struct pairs * p, const struct at_hand *at_hand), (p, at_hand))                            \
	X(request_sent, (struct pairs * p), (p))                                                                       \
	X(request_unsent, (struct pairs * p), (p))                                                                     \
	X(requests_lost, (struct pairs * p, bool hidden), (p, hidden))                                                 \
	X(bytes_unread, (struct pairs * p, uint32_t bytes), (p, bytes))                                                \
	X(request_counted, (struct pairs * p, const struct at_hand *at_hand, bool pipelines), (p, at_hand, pipelines)) \
	X(request_decided, (struct pairs * p, const struct at_hand *at_hand, uint64_t start), (p, at_hand, start))     \
	V(uint64_t, request_complete, (struct pairs * p, const struct at_hand *at_hand), (p, at_hand))                 \
	X(request_handed_over, (struct pairs * p), (p))                                                                \
	V(bool, awaiting, (const struct pairs *p), (p))                                                                \
	X(server_bytes, (struct pairs * p, struct wall now), (p, now))                                                 \
	V(bool, response_started, (struct pairs * p, uint64_t start), (p, start))                                      \
	X(response_counted, (struct pairs * p), (p))                                                                   \
	V(bool, response_kept, (const struct pairs *p), (p))                                                           \
	X(response_invalid, (struct pairs * p, enum response_result result), (p, result))                              \
	X(responses_lost, (struct pairs * p, enum response_result result), (p, result))                                \
	X(server_ended, (struct pairs * p), (p))                                                                       \
	X(ended, (struct pairs * p, enum response_result result), (p, result))

/* pairs_on_NAME() is what pairs.c does; pairs_NAME() is what is called, with or without pairs. */
#define X(name, parameters, arguments)             \
	void pairs_on_##name parameters;           \
	static inline void pairs_##name parameters \
	{                                          \
		if (p)                             \
			pairs_on_##name arguments; \
	}
#define V(type, name, parameters, arguments)              \
	type pairs_on_##name parameters;                  \
	static inline type pairs_##name parameters        \
	{                                                 \
		return p ? pairs_on_##name arguments : 0; \
	}
PAIRS_HOOKS(X, V)
#undef X
#undef V

/*
 * Kept: only of a response that pairs_response_started() wants.
 */

/*
 * Pieces of the fields of its head, and after pairs_kept_final() of its trailers, borrowed. False when out of memory, or
 * if the head grows too large; never because of a trailer.
 */
bool pairs_kept_name(struct pairs *p, struct span piece);
bool pairs_kept_value(struct pairs *p, struct span piece);
bool pairs_kept_value_end(struct pairs *p);

/** pairs_kept_switched() - it ends HTTP */
void pairs_kept_switched(struct pairs *p);

/** pairs_kept_final() - its head is complete, and it is a final one; @requests_read: how far the server had read then */
void pairs_kept_final(struct pairs *p, int status, uint64_t requests_read);

/** pairs_kept_body() - more of its body, borrowed; @expected: Content-Length, or 0 */
void pairs_kept_body(struct pairs *p, struct span bytes, uint64_t expected);
void pairs_kept_complete(struct pairs *p);

#endif
