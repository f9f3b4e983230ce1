/*
 * fuzz_http2_reference.c - an HTTP/2 conversation that the input drives, against a slow and obvious reference
 *
 * The input chooses the mix, then every step of the conversation (h2_talk.c), then how packets are cut and which of them
 * are lost. If none is, exactly the requests of the reference must come out; else some of them and nothing else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/rig/h2_talk.h"
#include "tests/rig/h2_tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dice d = { .in = span_of(data, size) };
	const struct h2_mix *mix = &h2_mixes[below(&d, (uint32_t)h2_mix_count)];
	struct h2_tap_options options = { 0 };
	struct h2_script s;
	struct h2_packets packets;
	struct h2_truth truth;
	struct h2_tap tap;
	const char *complaint;
	bool lossy = below(&d, 2);
	uint8_t how = (uint8_t)below(&d, 256);
	enum h2_cut cut = (enum h2_cut)below(&d, CUTS);

	options.one_way = how % 8 == 7;
	options.no_answers = how & 128;
	options.needs_whole = how & 8;
	options.no_ports = how & 16;
	h2_script_init(&s, mix->client, mix->server, &d);
	h2_talk(&s, &d, mix);
	packets = h2_packets_of(&s, s.bytes[SIDE_CLIENT].len > 20000 ? CUT_NOT : cut);
	if (lossy) {
		uint32_t first = how & 32 ? below(&d, (uint32_t)packets.count) : 0, one = 2 + below(&d, 60);

		for (uint32_t i = 0; i < packets.count; i++)
			packets.at[i].lost = i < first || (i > 2 && one_in(&d, one));
	}
	truth = h2_reference(&s);
	h2_tap_run(&tap, &options, &s, &packets);
	complaint = h2_judge(&tap, &truth, !lossy);
	if (!complaint)
		complaint = h2_tap_close(&tap);
	if (complaint) {
		fprintf(stderr, "%s, %s: %s\n", mix->name, h2_cut_name(cut), complaint);
		abort();
	}
	h2_truth_free(&truth);
	h2_packets_free(&packets);
	h2_script_deinit(&s);
	return 0;
}
