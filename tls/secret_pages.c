/* secret_pages.c - see secret_pages.h */
#include "tls/secret_pages.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_BYTES ((size_t)64 << 10) /* a power of two; where least may be locked by default, as much as one */

struct secret_chunk {
	struct secret_chunk *next;
	struct secret_pages *pages;
	_Alignas(max_align_t) uint8_t slots[];
};

/** map_aligned() - at a multiple of its size: twice as much, and what is too much goes back */
static struct secret_chunk *map_aligned(void)
{
	uint8_t *all = mmap(NULL, 2 * CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before = all == MAP_FAILED ? 0 : -(uintptr_t)all & (CHUNK_BYTES - 1);

	if (all == MAP_FAILED)
		return NULL;
	if (before > 0)
		munmap(all, before);
	munmap(all + before + CHUNK_BYTES, CHUNK_BYTES - before);
	return (struct secret_chunk *)(all + before);
}

static bool add_chunk(struct secret_pages *pages)
{
	struct secret_chunk *chunk = map_aligned();
	size_t room = CHUNK_BYTES - offsetof(struct secret_chunk, slots);

	if (!chunk)
		return false;
	if (mlock(chunk, CHUNK_BYTES) != 0)
		pages->is_unlocked = true;
	madvise(chunk, CHUNK_BYTES, MADV_DONTDUMP);
	chunk->next = pages->chunks;
	chunk->pages = pages;
	pages->chunks = chunk;
	for (size_t at = room / pages->slot_size * pages->slot_size; at > 0; at -= pages->slot_size) {
		void **slot = (void **)(chunk->slots + at - pages->slot_size);

		*slot = pages->free;
		pages->free = slot;
	}
	return true;
}

void *secret_pages_take(struct secret_pages *pages)
{
	void **slot;

	if (!pages->free && !add_chunk(pages))
		return NULL;
	slot = pages->free;
	pages->free = *slot;
	*slot = NULL;
	return slot;
}

struct secret_pages *secret_pages_of(const void *slot)
{
	return ((const struct secret_chunk *)((uintptr_t)slot & ~(CHUNK_BYTES - 1)))->pages;
}

void secret_pages_put(void *slot)
{
	struct secret_pages *pages;

	if (!slot)
		return;
	pages = secret_pages_of(slot);
	OPENSSL_cleanse(slot, pages->slot_size);
	*(void **)slot = pages->free;
	pages->free = slot;
}

void secret_pages_deinit(struct secret_pages *pages)
{
	while (pages->chunks) {
		struct secret_chunk *chunk = pages->chunks;

		pages->chunks = chunk->next;
		OPENSSL_cleanse(chunk, CHUNK_BYTES);
		munmap(chunk, CHUNK_BYTES);
	}
	pages->free = NULL;
	pages->is_unlocked = false;
}
