/*
 * h2_tap.h - a tracker with both versions of HTTP, what it told of a script, and the judgement of that
 *
 * Complaints are texts, so that tests and fuzzers alike can show them: NULL is none.
 */
#ifndef TESTS_RIG_H2_TAP_H
#define TESTS_RIG_H2_TAP_H

#include "http/http_stats.h"
#include "http/protocol.h"
#include "reassembly/tracker.h"
#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_script.h"

/** struct h2_told - a request that the sink got; @text as h2_request_text(), @answer as h2_answer_text() */
struct h2_told {
	struct buffer text, answer;
	uint64_t token;
	uint32_t messages;
	enum response_result result;
	bool is_part, is_grpc, answered, answer_is_part;
	bool kept;                        /* false: counted only */
	const struct h2_request *request; /* what h2_judge() takes it for */
};

struct h2_tap_options {
	bool one_way;     /* the server's packets are not fed */
	bool no_answers;  /* they are not wanted; of what is one way neither */
	bool needs_whole; /* the sink refuses heads of which a part is unknown */
	bool no_ports;    /* the service's port is not named */
	bool no_joins;
	enum keep keep;    /* KEEP_NOTHING, 0: KEEP_WHOLE */
	uint64_t max_body; /* 0: 1 MiB */
	size_t memory;     /* 0: plenty */
};

struct h2_tap {
	struct tracker *tracker;
	struct next_protocol next;
	struct budget budget;
	struct http_stats stats;
	struct h2_tap_options options;
	struct h2_told *told;
	size_t told_count, told_cap, answered, tokens;
	uint64_t heads, lost;
	const char *complaint; /* the first; static */
	char text[256];        /* room for one */
};

void h2_tap_open(struct h2_tap *tap, const struct h2_tap_options *options);

/** h2_tap_run() - open, all packets, the capture's end; judge it then, and h2_tap_close() */
void h2_tap_run(struct h2_tap *tap, const struct h2_tap_options *options, const struct h2_script *s,
		const struct h2_packets *packets);

/** h2_tap_finish() - the capture ends; a complaint if the books do not balance or a token was not answered */
const char *h2_tap_finish(struct h2_tap *tap);

/**
 * h2_judge() - is what was told the truth?
 * @whole: all was captured: every request of the truth must be told, with its answer, and every stream counted
 */
const char *h2_judge(struct h2_tap *tap, const struct h2_truth *truth, bool whole);

/** h2_tap_close() - free everything; a complaint if memory is still charged */
const char *h2_tap_close(struct h2_tap *tap);

/** h2_tap_counter() - a counter by its name: "seen", "lost.gap", "http2.streams", "http2.connections.joined" */
uint64_t h2_tap_counter(const struct h2_tap *tap, const char *name);

#endif
