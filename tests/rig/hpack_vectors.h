/* hpack_vectors.h - reads tests/data/hpack, whose README says what is in a file */
#ifndef TESTS_RIG_HPACK_VECTORS_H
#define TESTS_RIG_HPACK_VECTORS_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/rig/hpack_text.h"
#include "tests/rig/hpack_truth.h"

#define VECTOR_BLOCKS_MAX 128

struct vector {
	struct buffer blocks[VECTOR_BLOCKS_MAX];
	struct truth truths[VECTOR_BLOCKS_MAX];
	size_t count;
	uint32_t limit; /* of the table */
};

static inline void vector_line(struct vector *v, const char *line, size_t len)
{
	bool never_indexed = line[0] == '!';
	const char *name = line + never_indexed, *tab = memchr(line, '\t', len);

	if (sscanf(line, "limit %u", &v->limit) == 1)
		return;
	if (strncmp(line, "block ", 6) == 0) {
		if (v->count == VECTOR_BLOCKS_MAX)
			abort();
		from_hex(&v->blocks[v->count], line + 6);
		truth_clear(&v->truths[v->count++]);
		return;
	}
	if (!tab || v->count == 0)
		abort();
	truth_add(&v->truths[v->count - 1], span_of(name, (size_t)(tab - name)),
		  span_of(tab + 1, (size_t)(line + len - tab - 1)), never_indexed);
}

/* false: there is no such file */
static inline bool vector_read(struct vector *v, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (!f)
		return false;
	v->count = 0;
	while ((len = getline(&line, &room, f)) > 0) {
		line[--len] = '\0';
		vector_line(v, line, (size_t)len);
	}
	free(line);
	fclose(f);
	return true;
}

static inline void vector_deinit(struct vector *v)
{
	for (size_t i = 0; i < VECTOR_BLOCKS_MAX; i++) {
		buffer_deinit(&v->blocks[i]);
		buffer_deinit(&v->truths[i].bytes);
	}
}

#endif
