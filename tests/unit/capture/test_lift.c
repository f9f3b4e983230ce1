/*
 * test_lift.c - headers of capture files, changed on their way, in pieces of every size
 *
 * Files are written as text, in either byte order; what comes out is compared as a whole, so that nothing else may have changed.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "capture/lift.h"
#include "tests/rig/frames.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define SECTION_LE "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000 "
#define SECTION_BE "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c "
#define IDB_LE(type, snaplen) "01000000 14000000" type "0000" snaplen "14000000 "
#define IDB_BE(type, snaplen) "00000001 00000014" type "0000" snaplen "00000014 "
#define IDB_LONG(type, snaplen) "01000000 20000000" type "0000" snaplen "0900 0100 09000000 0000 0000 20000000 "
#define PACKET_LE(interface) "06000000 24000000" interface "00000000 00000000 04000000 04000000 01000000 24000000 "
#define PACKET_BE(interface) "00000006 00000024" interface "00000000 00000000 00000004 00000004 01000000 00000024 "
#define OLD_LE(interface) "02000000 24000000" interface "0000 00000000 00000000 04000000 04000000 01000000 24000000 "
#define SIMPLE_LE "03000000 14000000 04000000 01000000 14000000 "
#define OTHER_LE "05000000 10000000 01000000 10000000 "

static const struct {
	const char *name, *in, *out;
	int relabel, used;
	uint64_t packets[3];
} rows[] = {
	{ "pcap", "d4c3b2a1 0200 0400 [+8] 60000000 01000000 [+16]", "d4c3b2a1 0200 0400 [+8] 00000400 01000000 [+16]", -1, -1 },
	{ "pcap, the other byte order", "a1b2c3d4 0002 0004 [+8] 00000060 00000001 [+16]",
	  "a1b2c3d4 0002 0004 [+8] 00040000 00000001 [+16]", -1, -1 },
	{ "pcap, nanoseconds", "4d3cb2a1 0200 0400 [+8] 60000000 01000000", "4d3cb2a1 0200 0400 [+8] 00000400 01000000", -1, -1 },
	{ "pcap, nanoseconds, the other byte order", "a1b23c4d 0002 0004 [+8] ffffffff 00000001",
	  "a1b23c4d 0002 0004 [+8] 00040000 00000001", -1, -1 },
	{ "something else", "d4c3b2a2 0200 0400 [+8] 60000000 01000000", "d4c3b2a2 0200 0400 [+8] 60000000 01000000", -1, -1 },
	{ "pcapng", SECTION_LE IDB_LE("0100", "60000000") PACKET_LE("00000000") SIMPLE_LE OTHER_LE,
	  SECTION_LE IDB_LE("0100", "00000400") PACKET_LE("00000000") SIMPLE_LE OTHER_LE, -1, 1, { 2 } },
	{ "pcapng, the other byte order", SECTION_BE IDB_BE("0001", "00000060") PACKET_BE("00000000"),
	  SECTION_BE IDB_BE("0001", "00040000") PACKET_BE("00000000"), -1, 1, { 1 } },
	{ "pcapng, two types, one used", SECTION_LE IDB_LE("0100", "60000000") IDB_LONG("0000", "00000000") PACKET_LE("01000000") OLD_LE("0100"),
	  SECTION_LE IDB_LE("0100", "00000400") IDB_LONG("0000", "00000400") PACKET_LE("01000000") OLD_LE("0100"), -1, 0, { 0, 2 } },
	{ "pcapng, two types, both used", SECTION_LE IDB_LE("0100", "60000000") IDB_LE("0000", "60000000") PACKET_LE("01000000") SIMPLE_LE,
	  SECTION_LE IDB_LE("0100", "00000400") IDB_LE("0000", "00000400") PACKET_LE("01000000") SIMPLE_LE, -1, -1, { 1, 1 } },
	{ "pcapng, all are given one type", SECTION_LE IDB_LE("0100", "60000000") IDB_LE("7100", "60000000") PACKET_LE("01000000"),
	  SECTION_LE IDB_LE("7100", "00000400") IDB_LE("7100", "00000400") PACKET_LE("01000000"), 113, 113, { 0, 1 } },
	{ "pcapng, sections count their interfaces anew, in byte orders of their own",
	  SECTION_LE IDB_LE("0100", "60000000") PACKET_LE("00000000") SECTION_BE IDB_BE("0071", "00000060") IDB_BE("0001", "00000000") PACKET_BE("00000001"),
	  SECTION_LE IDB_LE("0100", "00000400") PACKET_LE("00000000") SECTION_BE IDB_BE("0071", "00040000") IDB_BE("0001", "00040000") PACKET_BE("00000001"),
	  -1, 1, { 1, 0, 1 } },
	{ "pcapng, a block shorter than itself", SECTION_LE "06000000 08000000" IDB_LE("0100", "60000000"),
	  SECTION_LE "06000000 08000000" IDB_LE("0100", "60000000"), -1, -1 },
	{ "pcapng, a block of nothing", SECTION_LE "0a000000 0c000000 0c000000" IDB_LE("0100", "60000000"),
	  SECTION_LE "0a000000 0c000000 0c000000" IDB_LE("0100", "00000400"), -1, 1 },
	{ "pcapng, an interface that was not described", SECTION_LE IDB_LE("0100", "60000000") PACKET_LE("07000000"),
	  SECTION_LE IDB_LE("0100", "00000400") PACKET_LE("07000000"), -1, 1 },
};

static void rows_in_every_piece(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 11, 12, 13, 16, 24, 10000 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t p = 0; p < COUNT(pieces); p++) {
			struct frame in = frame_of(rows[i].in), out = frame_of(rows[i].out);
			struct lift l;

			lift_init(&l, rows[i].relabel);
			for (size_t at = 0; at < in.len; at += pieces[p])
				lift_bytes(&l, in.bytes + at, in.len - at < pieces[p] ? in.len - at : pieces[p]);
			assert_int_equal(in.len, out.len);
			if (memcmp(in.bytes, out.bytes, in.len) != 0)
				fail_msg("%s, in pieces of %zu: other bytes", rows[i].name, pieces[p]);
			if (lift_used_linktype(&l) != rows[i].used)
				fail_msg("%s: link type %d", rows[i].name, lift_used_linktype(&l));
			for (size_t k = 0; k < COUNT(rows[i].packets); k++)
				assert_int_equal(l.interface[k].packets, rows[i].packets[k]);
		}
	}
}

/* More interfaces than there is room for: none is relabelled for the sake of those that were not counted. */
static void too_many(void **state)
{
	struct frame section = frame_of(SECTION_LE), interface = frame_of(IDB_LE("0100", "60000000"));
	struct lift l;

	lift_init(&l, -1);
	lift_bytes(&l, section.bytes, section.len);
	for (size_t i = 0; i < LIFT_INTERFACES_MAX; i++) {
		struct frame next = interface;

		lift_bytes(&l, next.bytes, next.len);
	}
	assert_int_equal(lift_used_linktype(&l), 1);
	lift_bytes(&l, interface.bytes, interface.len);
	assert_int_equal(l.interface_count, LIFT_INTERFACES_MAX + 1);
	assert_int_equal(lift_used_linktype(&l), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rows_in_every_piece), cmocka_unit_test(too_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
