/*
 * http1.h - the HTTP/1 messages of one connection, both directions
 */
#ifndef HTTP_HTTP1_HTTP1_H
#define HTTP_HTTP1_HTTP1_H

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "http/http1/head.h"
#include "http/http1/head_scan.h"
#include "http/http1/http1_reader.h"
#include "http/request.h"
#include "reassembly/chunk.h"
#include "reassembly/reader.h"

#define SPARE_HTTP_MAX 64

struct http;

/** struct http_env - what all connections of a lane share */
struct http_env {
	struct request_env requests;
	struct heads heads;
	llhttp_settings_t client_settings, server_settings;
	struct http *spare;
	uint32_t spare_count;
	bool llhttp_only; /* no head is scanned: tests compare the two ways */
	/* By the connection's number: connections of several kinds have a chance to get one each. */
	struct scan_memo request_memos[SCAN_MEMOS], response_memos[SCAN_MEMOS];
	const struct next_protocol *next;
	bool keep_responses;
	uint64_t max_response, last_token;
	llhttp_settings_t kept_settings;
};

/** http_env_init() - @options copied, what they point to is borrowed */
void http_env_init(struct http_env *env, const struct http1_options *options);
void http_env_deinit(struct http_env *env);

/**
 * http_new() - start to follow a connection
 * @start:   see reassembly/reader.h; if its first byte was not seen, a request must be found first
 *
 * Return: given to the caller, for http_free(); NULL when out of memory or over the budget.
 */
struct http *http_new(struct http_env *env, const struct reader_start *start);

/** http_free() - the pending request is forgotten: http_end() first */
void http_free(struct http_env *env, struct http *h);

/** http_proxied() - a proxy says who the client is; its requests are told with that from now on */
void http_proxied(struct http *h, const struct endpoint *client);

/** http_unparsed() - bytes of the client were seen before this http was made, when it had read up to @peer_read */
void http_unparsed(struct http *h, uint64_t peer_read);

/* The streams' bytes and gaps, in order. */
enum reader_result http_client_bytes(struct http *h, const struct chunk *chunk);
enum reader_result http_server_bytes(struct http *h, const struct chunk *chunk);
void http_client_gap(struct http *h, uint32_t bytes, enum lost_reason why);
void http_server_gap(struct http *h, uint32_t bytes, enum lost_reason why);

/* unseen.c: before a gap of the client's, is it known that this is HTTP, and does it hide the start of a request? */
bool http_is_known(const struct http *h);
bool http_hides_request(const struct http *h, uint32_t bytes);

/** http_lose_unseen() - after that gap: count it as lost for @why; @http_known: as it was before */
void http_lose_unseen(struct http *h, enum lost_reason why, struct wall now, bool http_known);

/** http_end_unseen() - the connection ends: was the gap at its start one? */
void http_end_unseen(struct http *h);

/** http_server_end() - the server's direction has ended in order: its last response may be complete by that */
void http_server_end(struct http *h);

/**
 * http_client_end() - the client's direction has ended, the server's has not
 * Return: whether responses are still awaited; if not, http_end() may follow.
 */
bool http_client_end(struct http *h);

/** http_hand_on() - HTTP/2 reads on, from the bytes of @chunk on that are not HTTP/1's: as reader_ops.hand_on */
struct reader *http_hand_on(struct http *h, enum stream_side side, const struct chunk *chunk);

/** http_end() - nothing will follow: the pending request, if any, is lost for @reason */
void http_end(struct http *h, enum lost_reason reason);

#endif
