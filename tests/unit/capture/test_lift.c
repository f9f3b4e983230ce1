/*
 * test_lift.c - headers of pcap files, changed on their way, in pieces of every size
 *
 * Files are written as text, in either byte order; what comes out is compared as a whole, so that nothing else may have changed.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "capture/lift.h"
#include "tests/rig/frames.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *in, *out;
} rows[] = {
	{ "pcap", "d4c3b2a1 0200 0400 [+8] 60000000 01000000 [+16]", "d4c3b2a1 0200 0400 [+8] 00000400 01000000 [+16]" },
	{ "pcap, the other byte order", "a1b2c3d4 0002 0004 [+8] 00000060 00000001 [+16]",
	  "a1b2c3d4 0002 0004 [+8] 00040000 00000001 [+16]" },
	{ "pcap, nanoseconds", "4d3cb2a1 0200 0400 [+8] 60000000 01000000", "4d3cb2a1 0200 0400 [+8] 00000400 01000000" },
	{ "pcap, nanoseconds, the other byte order", "a1b23c4d 0002 0004 [+8] ffffffff 00000001",
	  "a1b23c4d 0002 0004 [+8] 00040000 00000001" },
	{ "something else", "d4c3b2a2 0200 0400 [+8] 60000000 01000000", "d4c3b2a2 0200 0400 [+8] 60000000 01000000" },
	{ "pcapng", "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffff ffffffff 1c000000",
	  "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffff ffffffff 1c000000" },
	{ "a part of a header", "d4c3b2a1 0200 0400 [+8] 6000", "d4c3b2a1 0200 0400 [+8] 0000" },
};

static void rows_in_every_piece(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 11, 12, 13, 16, 24, 10000 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t p = 0; p < COUNT(pieces); p++) {
			struct frame in = frame_of(rows[i].in), out = frame_of(rows[i].out);
			struct lift l;

			lift_init(&l);
			for (size_t at = 0; at < in.len; at += pieces[p])
				lift_bytes(&l, in.bytes + at, in.len - at < pieces[p] ? in.len - at : pieces[p]);
			assert_int_equal(in.len, out.len);
			if (memcmp(in.bytes, out.bytes, in.len) != 0)
				fail_msg("%s, in pieces of %zu: other bytes", rows[i].name, pieces[p]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rows_in_every_piece) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
