/*
 * http1_reader.h - HTTP/1 as a reader of connections: what is handed to a tracker
 */
#ifndef HTTP_HTTP1_HTTP1_READER_H
#define HTTP_HTTP1_HTTP1_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "http/http_stats.h"
#include "http/protocol.h"
#include "reassembly/reader.h"

struct http1_options {
	struct protocol_sink sink;
	uint64_t max_body;     /* a limited request (head_decision) with a longer body is LOST_TOO_LARGE */
	struct budget *budget; /* borrowed for the tracker's life, as @stats is */
	struct http_stats *stats;
	bool llhttp_only;      /* scan no head: slower and the same, for tests */
	bool keep_responses;   /* the sink may ask for responses; on_response is set, and tracker_options.reads_servers */
	uint64_t max_response; /* bytes of the body of a response that is kept */
	const struct next_protocol *next; /* HTTP/2, borrowed for the tracker's life; NULL: such connections are left */
	uint64_t first_token;  /* tokens count on from here: lanes start far from each other */
};

/** http1_reader() - for tracker_new(); @options borrowed for that call */
struct reader_kind http1_reader(const struct http1_options *options);

#endif
