/* h2_scene.c - see h2_scene.h */
#include "tests/rig/unit.h"
#include "tests/rig/h2_scene.h"

#include <stdio.h>
#include <string.h>

#include "tests/rig/check_counters.h"

#define C SIDE_CLIENT
#define S SIDE_SERVER

void h2_answer(struct h2_script *s, uint32_t stream)
{
	h2_headers(s, S, stream, H2_FIELDS(ok_head), &goes_on);
	h2_data(s, S, stream, SPAN_LITERAL("\0\0\0\0\2ok"), -1, false);
	h2_headers(s, S, stream, H2_FIELDS(ok_trailers), &ends);
}

void h2_numbered(struct h2_script *s, uint32_t stream, unsigned number)
{
	char message[16] = { 0 };

	snprintf(message + 5, sizeof(message) - 5, "%06u", number);
	message[4] = 6;
	h2_headers(s, C, stream, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, stream, span_of(message, 11), -1, true);
}

void h2_numbered_and_answered(struct h2_script *s, uint32_t stream, unsigned number)
{
	h2_numbered(s, stream, number);
	h2_answer(s, stream);
}

void h2_get(struct h2_script *s, uint32_t stream)
{
	h2_headers(s, C, stream, H2_FIELDS(get_head), &ends);
	h2_answer(s, stream);
}

void h2_with_table(struct h2_script *s, uint32_t stream, const uint32_t *sizes, size_t count)
{
	struct buffer block = { 0 };

	for (size_t i = 0; i < count; i++)
		h2_table_size(s, C, sizes[i], &block);
	h2_block(s, C, H2_FIELDS(grpc_head), &block);
	h2_headers_block(s, C, stream, buffer_span(&block), &ends);
	h2_answer(s, stream);
	buffer_deinit(&block);
}

static uint64_t counter_of(const void *tap, const char *name)
{
	return h2_tap_counter(tap, name);
}

void h2_check_counters(const struct h2_tap *tap, const char *expected, const char *what)
{
	check_counters(expected, counter_of, tap, what);
}

void scene_write(struct scene *sc, enum h2_coder coder)
{
	*sc = (struct scene){ 0 };
	h2_script_init(&sc->s, coder, coder, NULL);
}

void scene_cut(struct scene *sc, enum h2_cut cut)
{
	sc->packets = h2_packets_of(&sc->s, cut);
	sc->truth = h2_reference(&sc->s);
}

void scene_of_calls(struct scene *sc, enum h2_coder coder, unsigned count)
{
	scene_write(sc, coder);
	h2_preface(&sc->s);
	for (unsigned i = 0; i < count; i++)
		h2_numbered_and_answered(&sc->s, 1 + 2 * i, i);
	scene_cut(sc, CUT_NOT);
}

void scene_free(struct scene *sc)
{
	h2_truth_free(&sc->truth);
	h2_packets_free(&sc->packets);
	h2_script_deinit(&sc->s);
}

size_t scene_run(struct scene *sc, const struct h2_tap_options *options, bool whole, const char *what)
{
	size_t told;
	const char *complaint;

	h2_tap_run(&sc->tap, options, &sc->s, &sc->packets);
	complaint = h2_judge(&sc->tap, &sc->truth, whole);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	told = sc->tap.told_count;
	complaint = h2_tap_close(&sc->tap);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	return told;
}

size_t scene_packet_with(const struct scene *sc, enum stream_side side, size_t at)
{
	for (size_t i = 0; i < sc->packets.count; i++) {
		const struct h2_packet *p = &sc->packets.at[i];

		if (p->side == side && at >= p->at && at < p->at + p->len)
			return i;
	}
	fail_msg("no packet holds byte %zu", at);
	return 0;
}

size_t h2_times_told(const struct h2_tap *tap, const char *line)
{
	size_t count = 0;

	for (size_t i = 0; i < tap->told_count; i++)
		count += span_starts(buffer_span(&tap->told[i].text), span_str(line));
	return count;
}
void h2_unique(struct h2_script *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[64];
		struct header fields[] = { H2_HEAD("POST", "/pkg.Svc/Call"), H2_GRPC_FIELDS, H2_FIELD("traceparent", "") };

		snprintf(id, sizeof(id), "00-4bf92f3577b34da6a3ce929d0e0e%04u-00f067aa0ba902b7-01", i);
		fields[7].value = span_str(id);
		h2_headers(s, C, 1 + 2 * i, fields, 8, &goes_on);
		h2_data(s, C, 1 + 2 * i, SPAN_LITERAL("\0\0\0\0\1x"), -1, true);
		h2_answer(s, 1 + 2 * i);
	}
}
