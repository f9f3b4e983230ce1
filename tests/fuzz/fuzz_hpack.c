/*
 * fuzz_hpack.c - any blocks: nghttp2 says the same of them, and a decoder that starts late says nothing false
 *
 * The input: a byte that chooses the limit of the table and the block at which the
 * late decoder starts, then blocks, each behind its length (two bytes; the last block
 * is what is left). Three decoders read them: ours from the start, held against
 * nghttp2's; one that starts late and one that is short of memory, held against the
 * first for as long as that one finds the blocks valid. In the end the late one is fed
 * alone, as it would be after it was led astray.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/rig/hpack_oracle.h"

#define BLOCKS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t split(struct span in, struct span *blocks)
{
	size_t count = 0;
	uint16_t len;

	while (count < BLOCKS_MAX && span_u16(&in, &len)) {
		if (!span_take(&in, len, &blocks[count]))
			span_take(&in, in.len, &blocks[count]);
		count++;
	}
	return count;
}

/* A block of its size, so that one byte too far is seen, as long as the head is used */
static int decode(struct hpack *h, struct span block, struct hpack_head *head)
{
	static uint8_t *exact;
	int ret;

	free(exact);
	exact = malloc(block.len ? block.len : 1);
	must(exact != NULL);
	if (block.len)
		memcpy(exact, block.at, block.len);
	ret = hpack_decode(h, span_of(exact, block.len), head);
	must(ret == 0 || (ret == -EBADMSG && head->count == 0));
	must(h->table.size <= h->table.max && h->table.max <= HPACK_TABLE_SIZE_MAX);
	must((h->table.count == 0) == (h->table.size == 0));
	return ret;
}

static void add_truth(struct truth *t, const struct hpack_head *head)
{
	truth_clear(t);
	for (size_t i = 0; i < head->count; i++)
		truth_add(t, head->fields[i].name, head->fields[i].value, head->fields[i].never_indexed);
}

/* Blocks from @first on, which a strict decoder took as @truths says */
static void check_late(const struct span *blocks, const struct truth *truths, const bool *over, size_t first,
		       size_t count, uint32_t limit, struct budget *budget)
{
	static struct hpack_head head;
	struct hpack h;

	hpack_init(&h, budget, first == 0);
	hpack_set_limit(&h, limit);
	for (size_t i = first; i < count; i++) {
		must(decode(&h, blocks[i], &head) == 0);
		must(over[i] || !head.over); /* what is unknown takes less */
		must(over[i] || head_is_true(&head, &truths[i], first == 0 && !budget));
		for (size_t n = 0; n < head.count; n++) /* they can be read */
			must(!head.fields[n].value.at ||
			     span_equal(head.fields[n].value, head.fields[n].value));
	}
	hpack_deinit(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t limits[] = { 4096, 8192, 65536, 4097 };
	static struct truth by_oracle, truths[BLOCKS_MAX];
	static struct hpack_head head;
	static bool over[BLOCKS_MAX];
	struct span in = span_of(data, size), blocks[BLOCKS_MAX];
	nghttp2_hd_inflater *oracle;
	size_t count, taken = 0;
	struct budget budget;
	struct hpack h;
	uint32_t limit;
	uint8_t choice;

	if (!span_u8(&in, &choice))
		return 0;
	limit = limits[choice & 3];
	count = split(in, blocks);
	oracle = oracle_new(limit, false);
	hpack_init(&h, NULL, true);
	hpack_set_limit(&h, limit);
	for (; taken < count; taken++) {
		int ret = decode(&h, blocks[taken], &head);

		must(oracle_decode(oracle, blocks[taken], &by_oracle) == (ret == 0));
		if (ret < 0)
			break;
		must(head_is_true(&head, &by_oracle, true) && h.exact);
		over[taken] = head.over;
		add_truth(&truths[taken], &head);
	}
	hpack_deinit(&h);
	nghttp2_hd_inflate_del(oracle);

	budget_init(&budget, 2000);
	check_late(blocks, truths, over, 0, taken, limit, &budget);
	must(budget_used(&budget) == 0);
	check_late(blocks, truths, over, taken ? (choice >> 2) % taken : 0, taken, limit, NULL);
	hpack_init(&h, NULL, false);
	for (size_t i = 0; i < count; i++)
		decode(&h, blocks[i], &head);
	hpack_deinit(&h);
	return 0;
}
