/*
 * own_memory.h - where in this process's memory some bytes lie, and how it is mapped
 *
 * What is searched for is given masked (own_memory_mask()), so that the search does not find its own question.
 */
#ifndef TESTS_RIG_OWN_MEMORY_H
#define TESTS_RIG_OWN_MEMORY_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN_MEMORY_MASK 0x5a

/* A sanitizer maps terabytes of its own, and keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MEMORY_IS_OURS false
#else
#define OWN_MEMORY_IS_OURS true
#endif

/** struct own_memory - places where the bytes were found */
struct own_memory {
	size_t locked, other; /* in memory that is locked and in no core dump, and elsewhere */
};

static inline void own_memory_mask(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= OWN_MEMORY_MASK;
}

/** own_memory_in() - how often @masked is in what @mem has between @from and @to; pieces are masked as soon as they are read */
static inline size_t own_memory_in(int mem, uintptr_t from, uintptr_t to, const uint8_t *masked, size_t len)
{
	static uint8_t piece[1 << 16];
	size_t found = 0;

	while (to - from >= len) {
		size_t size = to - from < sizeof(piece) ? to - from : sizeof(piece);
		ssize_t n = pread(mem, piece, size, (off_t)from);

		if (n < (ssize_t)len)
			break;
		own_memory_mask(piece, (size_t)n);
		for (size_t i = 0; i + len <= (size_t)n; i++)
			found += memcmp(piece + i, masked, len) == 0;
		from += (size_t)n - (len - 1);
	}
	return found;
}

/** own_memory_is_kept() - do the flags of a mapping say that it is locked (lo), and not dumped (dd)? */
static inline bool own_memory_is_kept(const char *flags)
{
	return strstr(flags, " lo") && strstr(flags, " dd");
}

/** own_memory_find() - @masked: what is searched for, in all that can be written */
static inline struct own_memory own_memory_find(const uint8_t *masked, size_t len)
{
	struct own_memory found = { 0 };
	uintptr_t from = 0, to = 0, begin, end;
	char line[512], access[8];
	bool is_written = false;
	FILE *f = fopen("/proc/self/smaps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	while (f && mem >= 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, access) == 3) {
			from = begin;
			to = end;
			is_written = access[0] == 'r' && access[1] == 'w';
		} else if (strncmp(line, "VmFlags:", 8) == 0 && is_written) {
			size_t n = own_memory_in(mem, from, to, masked, len);

			*(own_memory_is_kept(line) ? &found.locked : &found.other) += n;
		}
	}
	if (f)
		fclose(f);
	if (mem >= 0)
		close(mem);
	return found;
}

#endif
