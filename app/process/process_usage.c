/*
 * process_usage.c - see process_usage.h
 *
 * The file of /proc is opened at the start and read again from its beginning
 * each time: once we are another user and not dumpable, /proc may be closed to
 * us, and a descriptor is not.
 */
#include "app/process/process_usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

struct process_usage process_usage_open(void)
{
	return (struct process_usage){ open("/proc/self/statm", O_RDONLY | O_CLOEXEC) };
}

int64_t process_usage_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

uint64_t process_usage_resident_bytes(const struct process_usage *s)
{
	char text[128];
	ssize_t n = s->statm_fd < 0 ? -1 : pread(s->statm_fd, text, sizeof(text) - 1, 0);
	unsigned long long size, resident;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) != 2) /* proc(5): in pages */
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_usage_close(struct process_usage *s)
{
	if (s->statm_fd >= 0)
		close(s->statm_fd);
	s->statm_fd = -1;
}
