/*
 * response_parser.h - the bytes that a shadow sends back, read as one HTTP/1.x response
 *
 * No sockets and no time in here, so that a fuzzer can drive it. Unless responses
 * are compared, the body is read and thrown away: its end is what matters,
 * because the connection can carry another request only from there.
 */
#ifndef REPLAY_RESPONSE_PARSER_H
#define REPLAY_RESPONSE_PARSER_H

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/budget.h"
#include "base/span.h"
#include "http/http1/llhttp_rules.h"
#include "message/response.h"

#define RESPONSE_PARSER_HEAD_MAX RESPONSE_HEAD_MAX /* interim responses and leading empty lines count too */
#define KEEP_VALUE_MAX  62
#define RESPONSE_BODY_MAX (16u << 20)  /* with chunk headers and trailers */

/** enum response_parser_state - the last three are final */
enum response_parser_state {
	RESPONSE_PARSER_HEAD,  /* nothing yet, or a head that is not complete */
	RESPONSE_PARSER_BODY,  /* status and fields are known */
	RESPONSE_PARSER_WHOLE, /* complete; keep_alive says whether the connection may be used again */
	RESPONSE_PARSER_HUGE,  /* more body than we care to read: close the connection, the status counts */
	RESPONSE_PARSER_BAD,   /* no HTTP/1.x response, a head above the limit, or a 101 that was not requested */
};

/** struct response_parser_keeping - how responses are kept; const while they are */
struct response_parser_keeping {
	uint64_t max; /* bytes of a body; more of it is read, but not kept */
	struct budget *budget;
};

struct response_parser {
	llhttp_t parser;
	const struct response_parser_keeping *keeping; /* NULL: they are thrown away */
	struct response *response;            /* with keeping, from RESPONSE_PARSER_BODY on; NULL when memory was short */
	struct response_head head;
	struct response_chunks chunks;
	int64_t now_us; /* with keeping: when the bytes that are fed came, after the request's last; set by the caller */
	enum response_parser_state state;
	uint64_t head_bytes, body_bytes;
	uint64_t body_length; /* as the head says; 0: it doesn't */
	int status_code;      /* of the final response, from RESPONSE_PARSER_BODY on; else 0 */
	const char *detail;   /* with RESPONSE_PARSER_BAD: why, static text */
	bool to_head;         /* the request was HEAD: no body, whatever the fields say (RFC 9112, 6.3) */
	bool begun;           /* bytes of the final response have come */
	bool interim;         /* the message being parsed is a 1xx */
	bool trailers_lost;   /* with keeping: there is no room for them */
	bool keep_alive;
	int64_t keep_s; /* how long it will be kept, as the server says (Keep-Alive: timeout=N); -1: it does not */
	struct keep_field {
		uint8_t matched; /* letters of a field's name that are those of "keep-alive"; KEEP_NO_MATCH */
		uint8_t len;
		char value[KEEP_VALUE_MAX]; /* of that field; more of it is left out */
	} keep;
};

/**
 * response_parser_begin() - expect the response to a request that is about to be sent
 * @a:        zero, or used before: what it kept then is freed
 * @to_head:  the request's method is HEAD
 * @keeping:  borrowed; NULL: the response is not kept
 */
void response_parser_begin(struct response_parser *a, bool to_head, const struct response_parser_keeping *keeping);

/** response_parser_take() - the kept response, given to the caller: as whole as it is; NULL if there is none */
struct response *response_parser_take(struct response_parser *a);

void response_parser_deinit(struct response_parser *a);

/**
 * response_parser_feed() - the next bytes from the connection
 * @bytes:  borrowed; bytes after the end of the response make keep_alive false
 *
 * Return: the state; once final, further calls change nothing.
 */
enum response_parser_state response_parser_feed(struct response_parser *a, struct span bytes);

/** response_parser_eof() - the server closed: RESPONSE_PARSER_WHOLE if the end of the body was to be told so, else as before */
enum response_parser_state response_parser_eof(struct response_parser *a);

#endif
