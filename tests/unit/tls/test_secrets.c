/* test_secrets.c - what was added is found, as long as it is neither too old nor too much */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <string.h>

#include "tls/secrets.h"

static struct key_log_entry entry_of(enum tls_secret_kind kind, uint32_t number, uint8_t fill)
{
	struct key_log_entry e = { .kind = kind, .secret_len = kind == TLS_MASTER_SECRET ? 48 : 32 };

	memcpy(e.random, &number, sizeof(number));
	memset(e.secret, fill, e.secret_len);
	return e;
}

static bool find(struct secrets *s, uint32_t number, struct secrets_found *out)
{
	uint8_t random[TLS_RANDOM_BYTES] = { 0 };

	memcpy(random, &number, sizeof(number));
	return secrets_find(s, random, out);
}

static void add(struct secrets *s, enum tls_secret_kind kind, uint32_t number, uint8_t fill, int64_t at)
{
	struct key_log_entry e = entry_of(kind, number, fill);

	secrets_add(s, &e, (struct mono){ at });
}

static void test_kinds(void **state)
{
	struct secrets *s = secrets_new(10, 0);
	struct secrets_found found;

	(void)state;
	assert_false(find(s, 1, &found));
	assert_int_equal(secrets_generation(s), 0);
	add(s, TLS_CLIENT_TRAFFIC, 1, 0xc0, 0);
	assert_int_not_equal(secrets_generation(s), 0);
	add(s, TLS_SERVER_TRAFFIC, 1, 0x50, 0);
	add(s, TLS_MASTER_SECRET, 2, 0x11, 0);
	assert_true(find(s, 1, &found));
	assert_int_equal(found.len[TLS_CLIENT_TRAFFIC], 32);
	assert_int_equal(found.secret[TLS_CLIENT_TRAFFIC][31], 0xc0);
	assert_int_equal(found.secret[TLS_SERVER_TRAFFIC][0], 0x50);
	assert_int_equal(found.len[TLS_MASTER_SECRET], 0);
	assert_int_equal(found.len[TLS_CLIENT_EARLY], 0);
	assert_true(find(s, 2, &found));
	assert_int_equal(found.len[TLS_MASTER_SECRET], 48);
	assert_false(find(s, 3, &found));
	secrets_free(s);
	secrets_free(NULL);
}

static void test_counts(void **state)
{
	struct secrets *s = secrets_new(10, 0);
	struct secrets_found found;
	struct secrets_counts counts;

	(void)state;
	add(s, TLS_CLIENT_TRAFFIC, 1, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 1, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 1, 2, 0); /* another for the same random: the later one */
	find(s, 1, &found);
	find(s, 1, &found);
	assert_int_equal(found.secret[TLS_CLIENT_TRAFFIC][0], 2);
	counts = secrets_counts(s);
	assert_int_equal(counts.kept, 2);
	assert_int_equal(counts.duplicate, 1);
	assert_int_equal(counts.used, 1);
	assert_int_equal(counts.held, 1);
	secrets_free(s);
}

/* The oldest goes, and one that was asked for is young again. */
static void test_full(void **state)
{
	struct secrets *s = secrets_new(1000, 0);
	struct secrets_found found;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		add(s, TLS_CLIENT_TRAFFIC, i, 1, 0);
	assert_true(find(s, 0, &found));
	for (uint32_t i = 1000; i < 1500; i++)
		add(s, TLS_CLIENT_TRAFFIC, i, 1, 0);
	assert_int_equal(secrets_counts(s).evicted, 500);
	assert_int_equal(secrets_counts(s).held, 1000);
	assert_true(find(s, 0, &found));
	for (uint32_t i = 1; i <= 500; i++)
		assert_false(find(s, i, &found));
	for (uint32_t i = 501; i < 1500; i++)
		assert_true(find(s, i, &found));
	secrets_free(s);
}

static void test_old(void **state)
{
	struct secrets *s = secrets_new(1000, 300);
	struct secrets_found found;

	(void)state;
	add(s, TLS_CLIENT_TRAFFIC, 1, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 2, 1, 200);
	secrets_expire(s, (struct mono){ 300 });
	assert_true(find(s, 1, &found)); /* at 300, as it was told last */
	secrets_expire(s, (struct mono){ 501 });
	assert_true(find(s, 1, &found));
	assert_false(find(s, 2, &found));
	secrets_expire(s, (struct mono){ 802 });
	assert_false(find(s, 1, &found));
	add(s, TLS_CLIENT_TRAFFIC, 3, 1, 900);
	add(s, TLS_CLIENT_TRAFFIC, 3, 1, 1300); /* too old by then, so it is no duplicate */
	assert_true(find(s, 3, &found));
	assert_int_equal(secrets_counts(s).expired, 3);
	secrets_free(s);
}

#define LISTED_MAX 8

static uint32_t number_of(const struct secrets_candidate *c)
{
	uint32_t number;

	memcpy(&number, c->random, sizeof(number));
	return number;
}

/* The numbers of those that nobody has asked for, as they are listed */
static void expect_unclaimed(struct secrets *s, uint64_t after, uint64_t upto, size_t count, const uint32_t *numbers)
{
	struct secrets_candidate list[LISTED_MAX];

	assert_int_equal(secrets_unclaimed(s, after, upto, list, LISTED_MAX), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(number_of(&list[i]), numbers[i]);
}

/* Those of clients with TLS 1.3 that nobody has asked for, the newest first */
static void test_unclaimed(void **state)
{
	struct secrets *s = secrets_new(5, 300);
	struct secrets_candidate list[LISTED_MAX];
	struct secrets_found found;

	(void)state;
	expect_unclaimed(s, 0, secrets_last(s), 0, NULL);
	add(s, TLS_MASTER_SECRET, 1, 1, 0);
	add(s, TLS_SERVER_TRAFFIC, 2, 1, 0);
	assert_int_equal(secrets_last(s), 0);
	add(s, TLS_CLIENT_TRAFFIC, 2, 0xc0, 0);
	add(s, TLS_CLIENT_TRAFFIC, 3, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 4, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 4, 1, 0); /* known */
	assert_int_equal(secrets_last(s), 3);
	expect_unclaimed(s, 0, 3, 3, (uint32_t[]){ 4, 3, 2 });
	assert_int_equal(secrets_unclaimed(s, 0, 1, list, LISTED_MAX), 1);
	assert_int_equal(list[0].len, 32);
	assert_int_equal(list[0].secret[31], 0xc0);
	expect_unclaimed(s, 1, 2, 1, (uint32_t[]){ 3 });
	expect_unclaimed(s, 3, 3, 0, NULL);
	assert_true(find(s, 3, &found));
	expect_unclaimed(s, 0, 3, 2, (uint32_t[]){ 4, 2 });
	add(s, TLS_CLIENT_TRAFFIC, 3, 2, 0); /* another of the same random */
	expect_unclaimed(s, 0, secrets_last(s), 3, (uint32_t[]){ 3, 4, 2 });
	assert_true(find(s, 4, &found));
	assert_true(find(s, 2, &found));
	secrets_unclaim(s);
	expect_unclaimed(s, 0, secrets_last(s), 3, (uint32_t[]){ 3, 4, 2 });
	assert_int_equal(secrets_counts(s).used, 3);
	add(s, TLS_CLIENT_TRAFFIC, 5, 1, 0);
	add(s, TLS_CLIENT_TRAFFIC, 6, 1, 0); /* the oldest goes, which is a master secret */
	expect_unclaimed(s, 0, secrets_last(s), 5, (uint32_t[]){ 6, 5, 3, 4, 2 });
	add(s, TLS_CLIENT_TRAFFIC, 7, 1, 400); /* and all are too old */
	expect_unclaimed(s, 0, secrets_last(s), 1, (uint32_t[]){ 7 });
	secrets_free(s);
}

/* However many there are, no more than there is room for are listed, the newest */
static void test_many_unclaimed(void **state)
{
	struct secrets *s = secrets_new(SECRETS_MAX, 0);
	struct secrets_found found;

	(void)state;
	for (uint32_t i = 1; i <= 100; i++)
		add(s, TLS_CLIENT_TRAFFIC, i, 1, 0);
	expect_unclaimed(s, 0, 100, LISTED_MAX, (uint32_t[]){ 100, 99, 98, 97, 96, 95, 94, 93 });
	find(s, 98, &found);
	find(s, 96, &found);
	expect_unclaimed(s, 0, 100, LISTED_MAX, (uint32_t[]){ 100, 99, 97, 95, 94, 93, 92, 91 });
	secrets_free(s);
}

static void *add_many(void *arg)
{
	for (uint32_t i = 0; i < 20000; i++)
		add(arg, TLS_CLIENT_TRAFFIC, i, 1, 0);
	return NULL;
}

static void test_threads(void **state)
{
	struct secrets *s = secrets_new(SECRETS_MAX, 0);
	struct secrets_found found;
	pthread_t writer;
	uint32_t i = 0;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, add_many, s), 0);
	while (secrets_counts(s).kept < 20000)
		find(s, i++ % 20000, &found);
	pthread_join(writer, NULL);
	for (i = 0; i < 20000; i++)
		assert_true(find(s, i, &found));
	secrets_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_unclaimed),
		cmocka_unit_test(test_many_unclaimed),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
