/*
 * http2_reader.h - HTTP/2 as a reader of connections: what is handed to a tracker
 */
#ifndef HTTP_HTTP2_HTTP2_READER_H
#define HTTP_HTTP2_HTTP2_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "http/http_stats.h"
#include "http/protocol.h"
#include "reassembly/reader.h"

struct http2_options {
	struct protocol_sink sink;
	uint64_t max_body;     /* a limited request (head_decision) with a longer body is LOST_TOO_LARGE */
	int64_t max_stream_ns; /* a limited call of gRPC that is open for longer is LOST_STREAM_LONG; 0: as long as it likes */
	struct budget *budget; /* borrowed for the tracker's life, as @stats is */
	struct http_stats *stats;
	bool keep_responses;   /* the sink may ask for responses; on_response is set, and tracker_options.reads_servers */
	uint64_t max_response; /* bytes of the body of a response that is kept */
	uint64_t first_token;  /* tokens count on from here; apart from those of HTTP/1 */
	struct next_protocol *next; /* filled, for the reader of HTTP/1; NULL: not wanted */
	bool joins;            /* look for connections that began before the capture */
};

/** http2_reader() - for tracker_new(); @options borrowed for that call */
struct reader_kind http2_reader(const struct http2_options *options);

#endif
