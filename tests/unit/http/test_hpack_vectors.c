/*
 * test_hpack_vectors.c - what real encoders write, from every block on
 *
 * From the start, everything is said as it was sent. From any later block on, and
 * behind a block that was missed, nothing is said that was not sent. How much is known depends on the encoder
 * as it is known to: nghttp2 sends :path as a literal each time, x/net and python's
 * send it again once the table has turned over, grpc-core never does, and an encoder
 * that was told to use no table sends all of it each time.
 */
#include "tests/rig/unit.h"

#include "tests/rig/hpack_vectors.h"

static struct vector vector;
static struct hpack_head head;

struct known {
	size_t fields, known, unnamed; /* of all starts but the first */
	size_t heads, paths;           /* heads with a :path, and those in which it is known */
	size_t heads_late, paths_late; /* the same, of blocks 40 and more behind the start */
	size_t held;                   /* bytes of the table in the end */
};

static const struct span *path_of(const struct truth *t)
{
	static struct span value;

	for (size_t i = 0; i < t->count; i++) {
		value = truth_value(t, i);
		if (span_equal(truth_name(t, i), SPAN_LITERAL(":path")))
			return &value;
	}
	return NULL;
}

static void count_known(struct known *k, const struct truth *t, size_t distance)
{
	const struct span *path = path_of(t), *said = hpack_find(&head, SPAN_LITERAL(":path"));

	k->fields += head.count;
	k->unnamed += head.unnamed;
	k->known += head.count - head.unnamed - head.unknown;
	assert_true(!said || (path && span_equal(*said, *path)));
	k->heads += path != NULL;
	k->paths += said != NULL;
	k->heads_late += path && distance >= 40;
	k->paths_late += said && distance >= 40;
}

static void decode_from(size_t start, struct known *k)
{
	struct hpack h;

	hpack_init(&h, NULL, start == 0);
	hpack_set_limit(&h, start == 0 ? vector.limit : HPACK_TABLE_SIZE);
	for (size_t i = start; i < vector.count; i++) {
		assert_int_equal(hpack_decode(&h, buffer_span(&vector.blocks[i]), &head), 0);
		assert_false(head.over);
		assert_true(head_is_true(&head, &vector.truths[i], start == 0));
		if (start > 0)
			count_known(k, &vector.truths[i], i - start);
	}
	assert_int_equal(h.exact, start == 0);
	k->held = hpack_held(&h);
	hpack_deinit(&h);
}

/* A block that is missed, and is known to be missed */
static void decode_without(size_t missed)
{
	struct hpack h;

	hpack_init(&h, NULL, true);
	hpack_set_limit(&h, vector.limit);
	for (size_t i = 0; i < vector.count; i++) {
		if (i == missed) {
			hpack_forget(&h);
			continue;
		}
		assert_int_equal(hpack_decode(&h, buffer_span(&vector.blocks[i]), &head), 0);
		assert_true(head_is_true(&head, &vector.truths[i], i < missed));
	}
	assert_int_equal(h.epoch, 1);
	hpack_deinit(&h);
}

static struct known decode(const char *name)
{
	struct known k = { 0 };
	char path[512];

	snprintf(path, sizeof(path), HPACK_VECTORS "/%s.txt", name);
	if (!vector_read(&vector, path))
		fail_msg("no file %s", path);
	assert_true(vector.count >= 20);
	for (size_t start = vector.count; start-- > 0;)
		decode_from(start, &k);
	assert_true(k.held <= 2 * (size_t)vector.limit);
	for (size_t missed = 0; missed < vector.count; missed++)
		decode_without(missed);
	print_message("%s: of %zu fields %.1f %% known, %.1f %% unnamed; of %zu paths %.1f %% known\n", name, k.fields,
		      100.0 * (double)k.known / (double)k.fields, 100.0 * (double)k.unnamed / (double)k.fields, k.heads,
		      k.heads ? 100.0 * (double)k.paths / (double)k.heads : 0);
	return k;
}

static void test_literal_paths(void **state)
{
	static const char *const names[] = { "nghttp2", "nghttp2-sizes", "nghttp2-16384", "node" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct known k = decode(names[i]);

		assert_true(k.heads > 0 && k.paths == k.heads);
		assert_true(k.known < k.fields);
	}
}

static void test_paths_that_come_again(void **state)
{
	static const char *const names[] = { "go", "go-sizes", "python-hpack", "python-hpack-plain",
					     "python-hpack-sizes" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct known k = decode(names[i]);

		assert_true(k.heads_late > 0 && k.paths_late == k.heads_late);
	}
}

static void test_paths_that_do_not(void **state)
{
	struct known k = decode("grpcio");

	assert_true(k.paths < k.heads / 10);
	assert_true(k.known > 0);
}

static void test_without_a_table(void **state)
{
	struct known k = decode("grpcio-size-0");

	assert_true(k.heads > 0 && k.paths == k.heads && k.known == k.fields);
}

static void test_responses(void **state)
{
	assert_true(decode("nghttp2-responses").known > 0);
}

static int teardown(void **state)
{
	vector_deinit(&vector);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal_paths),
		cmocka_unit_test(test_paths_that_come_again),
		cmocka_unit_test(test_paths_that_do_not),
		cmocka_unit_test(test_without_a_table),
		cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
