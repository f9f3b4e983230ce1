/* test_process_usage.c - CPU time and memory that this test takes on purpose */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "app/process/process_usage.h"
#include "base/clock.h"

#define ROUNDS_MAX 100000000
#define MEMORY     (UINT64_C(32) << 20)

/* Work counts, and sleep does not: of the time that passes, a sleeper takes less than half. */
static void test_cpu(void **state)
{
	struct timespec nap = { 0, 50 * NS_PER_MS };
	int64_t began = process_usage_cpu_ns(), now = began, asleep;
	volatile unsigned work = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS_MAX && now - began < 5 * NS_PER_MS; round++) {
		for (unsigned i = 0; i < 1000; i++)
			work += i;
		now = process_usage_cpu_ns();
		assert_true(now >= began);
	}
	assert_true(now - began >= 5 * NS_PER_MS);
	asleep = process_usage_cpu_ns();
	nanosleep(&nap, NULL);
	assert_true(process_usage_cpu_ns() - asleep < 25 * NS_PER_MS);
}

/* Memory counts when it is touched, not when it is mapped, and goes when it is unmapped. */
static void test_memory(void **state)
{
	struct process_usage usage = process_usage_open();
	uint64_t before = process_usage_resident_bytes(&usage), mapped, touched, unmapped;
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(usage.statm_fd >= 0);
	assert_true(memory != MAP_FAILED);
	mapped = process_usage_resident_bytes(&usage);
	memset(memory, 1, MEMORY);
	touched = process_usage_resident_bytes(&usage);
	munmap(memory, MEMORY);
	unmapped = process_usage_resident_bytes(&usage);
	assert_true(before > 0);
	assert_true(mapped < before + MEMORY / 2);
	assert_true(touched > mapped + MEMORY / 2);
	assert_true(unmapped + MEMORY / 2 < touched);
	process_usage_close(&usage);
	assert_int_equal(usage.statm_fd, -1);
}

/* Where the kernel does not say, it is 0; closing what is not open closes nothing. */
static void test_unknown(void **state)
{
	struct process_usage closed = { -1 }, wrong;
	int ends[2];

	(void)state;
	assert_int_equal(process_usage_resident_bytes(&closed), 0);
	process_usage_close(&closed);
	assert_int_equal(closed.statm_fd, -1);
	assert_int_equal(pipe(ends), 0);
	wrong = (struct process_usage){ ends[0] }; /* it has no beginning to be read from again */
	assert_int_equal(process_usage_resident_bytes(&wrong), 0);
	process_usage_close(&wrong);
	assert_int_equal(close(ends[0]), -1); /* it was */
	close(ends[1]);
	wrong.statm_fd = memfd_create("statm", 0);
	assert_int_equal(write(wrong.statm_fd, "4096", 4), 4); /* one number of two */
	assert_int_equal(process_usage_resident_bytes(&wrong), 0);
	assert_int_equal(pwrite(wrong.statm_fd, "9 3 1\n", 6, 0), 6);
	assert_int_equal(process_usage_resident_bytes(&wrong), 3 * (uint64_t)sysconf(_SC_PAGESIZE));
	process_usage_close(&wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
