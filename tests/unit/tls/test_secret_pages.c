/* test_secret_pages.c - slots for secrets: wiped, locked as far as may be, and where the secrets of a connection are */
#include "tests/rig/unit.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rig/own_memory.h"
#include "tls/hello.h"
#include "tls/secret_pages.h"
#include "tls/secrets.h"
#include "tls/stream_keys.h"

#define SLOTS 3000

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static void test_slots(void **state)
{
	static const size_t sizes[] = { 8, 48, 64, 384, 1000 };
	static uint8_t *slot[SLOTS];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct secret_pages pages = { .slot_size = sizes[i] }, other = { .slot_size = sizes[i] };

		secret_pages_put(NULL);
		secret_pages_put(secret_pages_take(&other));
		for (size_t n = 0; n < SLOTS; n++) {
			slot[n] = secret_pages_take(&pages);
			assert_true(is_zero(slot[n], sizes[i]));
			memset(slot[n], 1 + (int)(n % 255), sizes[i]);
			assert_ptr_equal(secret_pages_of(slot[n]), &pages);
		}
		for (size_t n = 0; n < SLOTS; n++) {
			assert_int_equal(slot[n][0], 1 + n % 255);
			assert_int_equal(slot[n][sizes[i] - 1], 1 + n % 255);
		}
		for (size_t n = 0; n < SLOTS; n += 2) {
			secret_pages_put(slot[n]);
			assert_true(is_zero(slot[n] + sizeof(void *), sizes[i] - sizeof(void *)));
		}
		for (size_t n = 0; n < SLOTS; n += 2)
			assert_true(is_zero(secret_pages_take(&pages), sizes[i])); /* one of those, and not one more */
		secret_pages_deinit(&pages);
		assert_null(pages.chunks);
		secret_pages_deinit(&pages);
		secret_pages_deinit(&other);
	}
}

/* A secret that is known only masked, so that nothing else here has it */
static void make_secret(uint8_t *masked)
{
	for (int i = 0; i < 48; i++)
		masked[i] = (uint8_t)(37 * i + 11);
}

static void unmasked(uint8_t *out, const uint8_t *masked)
{
	memcpy(out, masked, 48);
	own_memory_mask(out, 48);
}

/* The secret of a connection with TLS 1.3, and the next one, are in locked pages and nowhere else, and then nowhere. */
static void test_where_secrets_are(void **state)
{
	struct secret_pages pages = { .slot_size = TLS_SECRET_MAX };
	struct stream_keys keys = { 0 }, next = { 0 };
	uint8_t masked[48], next_masked[48], secret[48];
	struct own_memory found;

	(void)state;
	if (!OWN_MEMORY_IS_OURS)
		skip();
	make_secret(masked);
	found = own_memory_find(masked, 48);
	assert_int_equal(found.locked + found.other, 0);
	unmasked(secret, masked);
	assert_int_equal(stream_keys_from_secret(&keys, suite_find(TLS_1_3, 0x1302), span_of(secret, 48), &pages), 0);
	explicit_bzero(secret, sizeof(secret));
	found = own_memory_find(masked, 48);
	assert_int_equal(found.other, 0);
	assert_int_equal(found.locked, 1);
	assert_int_equal(stream_keys_next(&keys, &next), 0);
	for (int i = 0; i < 48; i++)
		next_masked[i] = next.secret[i] ^ OWN_MEMORY_MASK;
	found = own_memory_find(next_masked, 48);
	assert_int_equal(found.other, 0);
	assert_int_equal(found.locked, 1);
	stream_keys_deinit(&keys);
	found = own_memory_find(masked, 48);
	assert_int_equal(found.locked + found.other, 0);
	stream_keys_deinit(&next);
	found = own_memory_find(next_masked, 48);
	assert_int_equal(found.locked + found.other, 0);
	secret_pages_deinit(&pages);
}

/* Of TLS 1.2 the master secret is in the table of secrets alone. */
static void test_where_masters_are(void **state)
{
	struct secrets *s;
	struct key_log_entry entry = { .kind = TLS_MASTER_SECRET, .random = { 7 }, .secret_len = 48 };
	struct agreed agreed = { entry.random, entry.random, false, false };
	struct stream_keys keys = { 0 };
	struct secrets_found secrets;
	struct own_memory found;
	uint8_t masked[48];

	(void)state;
	if (!OWN_MEMORY_IS_OURS)
		skip();
	s = secrets_new(10, 0);
	make_secret(masked);
	unmasked(entry.secret, masked);
	secrets_add(s, &entry, (struct mono){ 0 });
	explicit_bzero(entry.secret, sizeof(entry.secret));
	assert_true(secrets_find(s, entry.random, &secrets));
	assert_int_equal(stream_keys_from_master(&keys, suite_find(TLS_1_2, 0xc030), span_of(secrets.secret[TLS_MASTER_SECRET], 48),
						 &agreed),
			 0);
	explicit_bzero(&secrets, sizeof(secrets));
	found = own_memory_find(masked, 48);
	assert_int_equal(found.other, 0);
	assert_int_equal(found.locked, 1);
	assert_true(secrets_are_locked(s));
	secrets_free(s);
	found = own_memory_find(masked, 48);
	assert_int_equal(found.locked + found.other, 0);
	stream_keys_deinit(&keys);
}

/** may_lock_nothing() - from here on, also where root may lock what it likes */
static bool may_lock_nothing(void)
{
	struct rlimit none = { 0, 0 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	return setrlimit(RLIMIT_MEMLOCK, &none) == 0 && syscall(SYS_capset, &header, caps) == 0;
}

/* In a process of its own, which locks nothing any more: slots are there all the same, and it is said. */
static void test_nothing_may_be_locked(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (!OWN_MEMORY_IS_OURS) /* a sanitizer locks nothing, and says that it did */
		skip();
	child = fork();
	if (child == 0) {
		struct secret_pages pages = { .slot_size = TLS_SECRET_MAX };
		struct secrets *s = secrets_new(10, 0);
		struct key_log_entry entry = { .kind = TLS_CLIENT_TRAFFIC, .secret_len = 32 };
		uint8_t *slot;

		if (!may_lock_nothing())
			_exit(2);
		slot = secret_pages_take(&pages);
		secrets_add(s, &entry, (struct mono){ 0 });
		_exit(slot && pages.is_unlocked && !secrets_are_locked(s) && secrets_counts(s).kept == 1 ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_where_secrets_are),
		cmocka_unit_test(test_where_masters_are),
		cmocka_unit_test(test_nothing_may_be_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
