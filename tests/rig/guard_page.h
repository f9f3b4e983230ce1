/* guard_page.h - bytes that end right before an unreadable page, so that one byte too far crashes */
#ifndef TESTS_RIG_GUARD_PAGE_H
#define TESTS_RIG_GUARD_PAGE_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"

#define GUARDED_PAGES 20

struct guarded {
	uint8_t *end;
	void *map;
	size_t size;
};

static inline int guard_setup(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	static struct guarded g;

	g.size = (GUARDED_PAGES + 1) * page;
	g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g.map == MAP_FAILED || mprotect((uint8_t *)g.map + GUARDED_PAGES * page, page, PROT_NONE) != 0)
		return -1;
	g.end = (uint8_t *)g.map + GUARDED_PAGES * page;
	*state = &g;
	return 0;
}

static inline int guard_teardown(void **state)
{
	struct guarded *g = *state;

	return munmap(g->map, g->size);
}

/* A copy of the bytes at the end of the readable area */
static inline struct span guarded_copy(struct guarded *g, const void *bytes, size_t len)
{
	memcpy(g->end - len, bytes, len);
	return span_of(g->end - len, len);
}

#endif
