/*
 * h2_scene.h - calls from which scripts of HTTP/2 are made, and a script with its packets, its truth and its tap
 *
 * What goes wrong fails the test at hand.
 */
#ifndef TESTS_RIG_H2_SCENE_H
#define TESTS_RIG_H2_SCENE_H

#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_script.h"
#include "tests/rig/h2_tap.h"

#define H2_JOIN_COST 2 /* requests that pass before the place of frames is believed */

#define H2_HEAD(method, path) \
	H2_FIELD(":method", method), H2_FIELD(":scheme", "http"), H2_FIELD(":path", path), H2_FIELD(":authority", "h:80")
#define H2_GRPC_FIELDS H2_FIELD("content-type", "application/grpc"), H2_FIELD("te", "trailers"), H2_FIELD("user-agent", "test/1")

static const struct header grpc_head[] = { H2_HEAD("POST", "/pkg.Svc/Call"), H2_GRPC_FIELDS };
static const struct header get_head[] = { H2_HEAD("GET", "/get") };
static const struct header post_head[] = { H2_HEAD("POST", "/post"), H2_FIELD("content-type", "text/plain") };
static const struct header ok_head[] = { H2_FIELD(":status", "200"), H2_FIELD("content-type", "application/grpc") };
static const struct header ok_trailers[] = { H2_FIELD("grpc-status", "0"), H2_FIELD("grpc-message", "") };

static const struct h2_how ends = { .end_stream = true }, goes_on = { 0 };

static const struct h2_tap_options both_ways = { 0 };

static const enum h2_coder h2_coders[] = { CODER_PLAIN, CODER_NAMES, CODER_NGHTTP2, CODER_GO, CODER_GRPCIO };
#define H2_CODERS (sizeof(h2_coders) / sizeof(h2_coders[0]))

/** h2_answer() - head, a message, trailers */
void h2_answer(struct h2_script *s, uint32_t stream);

/** h2_numbered() - a call of gRPC whose message is its number */
void h2_numbered(struct h2_script *s, uint32_t stream, unsigned number);

void h2_numbered_and_answered(struct h2_script *s, uint32_t stream, unsigned number);

/** h2_get() - GET /get, answered */
void h2_get(struct h2_script *s, uint32_t stream);

/** h2_with_table() - a call whose block begins with the table's sizes, answered */
void h2_with_table(struct h2_script *s, uint32_t stream, const uint32_t *sizes, size_t count);

/** h2_unique() - @count calls whose heads have a field that is new each time, as tracing makes it, answered */
void h2_unique(struct h2_script *s, unsigned count);

/** h2_check_counters() - @expected: "complete=2 lost.stream_reset=1": counters that must have just this value */
void h2_check_counters(const struct h2_tap *tap, const char *expected, const char *what);

/** h2_times_told() - how many requests begin with @line: method and target */
size_t h2_times_told(const struct h2_tap *tap, const char *line);

/** struct scene - a script, its packets, the truth, and a tap that is open */
struct scene {
	struct h2_script s;
	struct h2_packets packets;
	struct h2_truth truth;
	struct h2_tap tap;
};

/** scene_write() - an empty script, for both sides' calls; then scene_cut(), and at the end scene_free() */
void scene_write(struct scene *sc, enum h2_coder coder);
void scene_cut(struct scene *sc, enum h2_cut cut);
void scene_free(struct scene *sc);

/** scene_of_calls() - @count calls, each answered, in packets as they were sent */
void scene_of_calls(struct scene *sc, enum h2_coder coder, unsigned count);

/** scene_run() - feed what is not lost and judge it; the number of requests that were told */
size_t scene_run(struct scene *sc, const struct h2_tap_options *options, bool whole, const char *what);

/** scene_packet_with() - the packet that holds byte @at of a side */
size_t scene_packet_with(const struct scene *sc, enum stream_side side, size_t at);

#endif
