/* record_count.c - see record_count.h */
#include "tls/record_count.h"

#include <string.h>

#include "reassembly/reader.h"

#define RECORD_MIN        22         /* of most suites; one with a shorter tag would say more than gaps are worth */
#define UNKNOWN_GAP_BYTES (64 << 10) /* as in direction.c */

void record_count_start(struct record_count *c, uint64_t wire, bool is_tls13)
{
	*c = (struct record_count){ .wire = wire, .is_tls13 = is_tls13 };
}

/** take_record() - one of @len bytes, of which the header is here */
static void take_record(struct record_count *c, uint8_t type, size_t len)
{
	bool counts = c->is_tls13 ? type == RECORD_APPLICATION_DATA : c->is_changed;

	c->left = (uint32_t)(len - RECORD_HEADER_BYTES);
	c->head_len = 0;
	if (type == RECORD_CHANGE_CIPHER_SPEC)
		c->is_changed = true;
	else if (counts)
		c->records++;
}

static void search(struct record_count *c)
{
	c->is_searching = true;
	c->left = 0;
	c->head_len = 0;
	if (!c->is_tls13)
		c->is_changed = true; /* that may have been in the gap */
}

/** fits() - may @head, of which @len bytes are here, begin a record? While searching, one with data */
static bool fits(const struct record_count *c, size_t len)
{
	struct span head = span_of(c->head, len), taken = head;
	struct record r;

	if (c->is_searching)
		return record_search(head, 0) == 0;
	return record_take(&taken, &r) != FRAMING_BAD;
}

/** take_head() - one byte more of a header; what cannot be one is passed over */
static void take_head(struct record_count *c, uint8_t byte)
{
	c->head[c->head_len++] = byte;
	while (c->head_len > 0 && !fits(c, c->head_len)) {
		if (!c->is_searching) { /* it was none that the last one led to */
			uint8_t len = c->head_len;

			search(c);
			c->head_len = len;
			c->doubt++;
			continue;
		}
		memmove(c->head, c->head + 1, --c->head_len);
	}
	if (c->head_len < RECORD_HEADER_BYTES)
		return;
	c->is_searching = false;
	take_record(c, c->head[0], record_length(span_of(c->head, RECORD_HEADER_BYTES)));
	memset(c->head, 0, sizeof(c->head)); /* as if it had come in one piece */
}

void record_count_bytes(struct record_count *c, uint64_t offset, struct span bytes)
{
	c->wire = offset + bytes.len;
	while (bytes.len > c->left) {
		size_t len;

		span_skip(&bytes, c->left);
		c->left = 0;
		len = c->head_len == 0 && !c->is_searching ? record_length(bytes) : 0;
		if (len > 0) { /* as nearly always */
			take_record(c, bytes.at[0], len);
			span_skip(&bytes, RECORD_HEADER_BYTES);
		} else {
			take_head(c, bytes.at[0]);
			span_skip(&bytes, 1);
		}
	}
	c->left -= (uint32_t)bytes.len;
}

void record_count_gap(struct record_count *c, uint32_t bytes)
{
	if (bytes == GAP_UNKNOWN)
		bytes = UNKNOWN_GAP_BYTES;
	else
		c->wire += bytes;
	if (bytes <= c->left) {
		c->left -= bytes;
		return;
	}
	c->doubt += (bytes - c->left) / RECORD_MIN + 1;
	search(c);
}

uint64_t record_count_least(const struct record_count *c)
{
	if (!c->is_tls13)
		return c->records;
	return c->records > RECORD_COUNT_HANDSHAKE ? c->records - RECORD_COUNT_HANDSHAKE : 0;
}

uint64_t record_count_most(const struct record_count *c)
{
	return c->records + c->doubt;
}
