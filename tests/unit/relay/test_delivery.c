/* test_delivery.c - subjects to acknowledge at, of both forms, and what is none */
#include "tests/rig/unit.h"

#include "relay/delivery.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *reply;
	bool is_one;
	uint64_t place, stored, pending;
} rows[] = {
	{ "$JS.ACK.shadowtap_x.Ab3.1.17.4.1795990000000000001.99", true, 17, 1795990000000000001, 99 },
	{ "$JS.ACK.hub.h4sh.shadowtap_x.Ab3.1.17.4.1795990000000000001.99.t0ken", true, 17, 1795990000000000001, 99 },
	{ "$JS.ACK._.h4sh.shadowtap_x.Ab3.1.17.4.1795990000000000001.99", true, 17, 1795990000000000001, 99 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.0.4.1795990000000000001.99", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.17.4.1795990000000000001", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.17.4.1795990000000000001.99.1", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.18446744073709551616.4.1.99", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.17.4.9223372036854775808.99", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x.Ab3.1.-17.4.1.99", false, 0, 0, 0 },
	{ "$JS.ACK.shadowtap_x..1.17.4.1.99", false, 0, 0, 0 },
	{ "$JS.ACK.a.b.c.d.e.f.g.h.i.j.k.l.m.n", false, 0, 0, 0 },
	{ "$JS.ACK.", false, 0, 0, 0 },
	{ "_INBOX.a", false, 0, 0, 0 },
	{ "", false, 0, 0, 0 },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct delivery d;

		if (delivery_read(span_str(rows[i].reply), &d) != rows[i].is_one)
			fail_msg("%s", rows[i].reply);
		if (!rows[i].is_one)
			continue;
		assert_true(d.place == rows[i].place && d.stored.ns == (int64_t)rows[i].stored && d.pending == rows[i].pending);
		assert_true(span_equal(d.consumer, SPAN_LITERAL("Ab3")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
