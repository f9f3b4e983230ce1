/*
 * http_tracker.h - a tracker whose connections are read by HTTP/1, as tests want it
 */
#ifndef TESTS_RIG_HTTP_TRACKER_H
#define TESTS_RIG_HTTP_TRACKER_H

#include "http/http1/http1_reader.h"
#include "reassembly/tracker.h"

/** struct http_tracker_options - the budget of both is @tracker.budget */
struct http_tracker_options {
	struct tracker_options tracker;
	struct http1_options http;
};

/** http_tracker_new() - as tracker_new(); @sink copied */
static inline struct tracker *http_tracker_new(const struct http_tracker_options *options, const struct protocol_sink *sink)
{
	struct tracker_options tracker = options->tracker;
	struct http1_options http = options->http;
	struct reader_kind kind = http1_reader(&http);

	http.sink = *sink; /* @kind looks at it when it is opened */
	http.budget = tracker.budget;
	tracker.reads_servers = http.keep_responses;
	return tracker_new(&tracker, &kind, 1);
}

#endif
