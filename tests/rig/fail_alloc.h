/*
 * fail_alloc.h - let the n-th allocation of a test program fail
 *
 * The linker sends the program's allocations here (--wrap: add the dependency
 * fail_alloc to the test's row in meson.build), those of the libraries it is
 * linked with dynamically not. A test counts n up from 0 until fail_at is not
 * used up any more: then there were fewer allocations than n.
 */
#ifndef TESTS_RIG_FAIL_ALLOC_H
#define TESTS_RIG_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static long fail_at = -1;     /* allocations until the one that fails; -1: none does */
static bool fail_all_further; /* and so do all that follow it: then fail_at stays at 0 */
static size_t allocated;      /* bytes, as they were asked for */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static bool alloc_fails(size_t size)
{
	allocated += size;
	if (fail_at < 0)
		return false;
	if (fail_at == 0 && fail_all_further)
		return true;
	return fail_at-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return alloc_fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return alloc_fails(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return alloc_fails(size) ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return alloc_fails(strlen(s) + 1) ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return alloc_fails(strnlen(s, n) + 1) ? NULL : __real_strndup(s, n);
}

#endif
