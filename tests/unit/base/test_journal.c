/* test_journal.c - an entry's bytes, as journald reads them */
#include "tests/rig/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/journal.h"

static void test_entry(void **state)
{
	static const char expected[] = "MESSAGE=hello\nPRIORITY=4\nSYSLOG_IDENTIFIER=shadowtap\nA_B=\n"
				       "TWO\n\3\0\0\0\0\0\0\0a\nb\n";
	const struct log_field fields[] = { { "A_B", { 0 } }, { "TWO", SPAN_LITERAL("a\nb") } };
	char got[256];
	int ends[2];
	ssize_t len;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	assert_true(journal_send(ends[0], 4, SPAN_LITERAL("hello"), fields, 2));
	len = recv(ends[1], got, sizeof(got), 0);
	assert_int_equal(len, sizeof(expected) - 1);
	assert_memory_equal(got, expected, sizeof(expected) - 1);
	close(ends[0]);
	close(ends[1]);
}

/* Nobody reads: it says so and does not wait. More fields than there can be are left out. */
static void test_full(void **state)
{
	struct log_field fields[LOG_FIELDS_MAX + 5];
	unsigned sent = 0;
	int ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		fields[i] = (struct log_field){ "K", SPAN_LITERAL("1\n2") };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	while (sent < 1000000 && journal_send(ends[0], 6, SPAN_LITERAL("m"), fields, sizeof(fields) / sizeof(fields[0])))
		sent++;
	assert_in_range(sent, 1, 999999);
	close(ends[1]);
	assert_false(journal_send(ends[0], 6, SPAN_LITERAL("m"), NULL, 0));
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
