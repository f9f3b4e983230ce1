/* fuzz_key_log.c - any bytes as a key log: the same lines whatever pieces they come in, and nothing of them is left behind */
#include <stdint.h>
#include <stdlib.h>

#include "tls/key_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t hash;
	uint64_t lines, entries;
};

static void must(int yes)
{
	if (!yes)
		abort();
}

static void mix(struct seen *s, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
}

static void on_entry(void *ctx, const struct key_log_entry *e)
{
	struct seen *s = ctx;

	must(e->kind < TLS_SECRET_KINDS && (e->secret_len == 32 || e->secret_len == 48));
	must(e->kind != TLS_MASTER_SECRET || e->secret_len == 48);
	mix(s, e->random, sizeof(e->random));
	mix(s, e->secret, e->secret_len);
	s->entries++;
}

static void on_line(void *ctx, enum key_log_line line)
{
	struct seen *s = ctx;

	mix(s, &line, sizeof(line));
	s->lines++;
}

static struct seen read_in_pieces(struct span bytes, size_t most)
{
	struct seen seen = { 0 };
	struct key_log_sink sink = { &seen, on_entry, on_line };
	struct key_log log = { 0 };
	struct span piece;
	uint8_t any = 0;

	while (bytes.len > 0) {
		must(span_take(&bytes, bytes.len < most ? bytes.len : most, &piece));
		key_log_feed(&log, piece, &sink);
	}
	key_log_end(&log, &sink);
	for (size_t i = 0; i < sizeof(log); i++)
		any |= ((uint8_t *)&log)[i];
	must(any == 0);
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct seen whole, pieces;
	uint8_t most;

	if (!span_u8(&in, &most))
		return 0;
	whole = read_in_pieces(in, SIZE_MAX);
	pieces = read_in_pieces(in, most % 70 + 1);
	must(whole.hash == pieces.hash && whole.lines == pieces.lines && whole.entries == pieces.entries);
	return 0;
}
