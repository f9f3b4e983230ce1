/*
 * pcapng_reader.c - see pcapng_reader.h
 *
 * Theory of operation. A file is a row of blocks, each with its type and length in front and the length once more at the
 * end. Nearly all are Enhanced Packet Blocks that lie whole in the bytes at hand (file_bytes.h): enhanced() takes those,
 * for either byte order compiled on its own, and everything else goes through other_block(): the other two kinds of
 * packets, what begins a section or describes an interface, secrets, and what is skipped; and whatever is not there
 * yet, or lies. A block of which the two lengths differ, whose length is no multiple of four, or which is too short for
 * what it should hold, ends the file: where the next one begins cannot be known. A block of secrets alone is passed over
 * (secrets_block()), since the packets are worth reading without it, and other secrets may open them: where its length is
 * wrong, the next block is the nearest that has its own at both its ends.
 *
 * The file may shrink meanwhile, and then it is cut there. What a map loses reads as zeros up to its end, so as long as the
 * length at a block's end is there, so is all before it. Where a block does not add up, the file is asked whether it still
 * has it. What is lost while a packet is borrowed is not noticed in time, as with pcap.
 *
 * Blocks of any length are read, though only FILE_BYTES_MAX are at hand at once: text of secrets is handed out in pieces
 * that end where a line does, and of a packet, which has at most LENGTH_MAX, what follows it is passed over before the
 * next block, its last length being looked at then.
 *
 * Secrets should stand before the packets that need them, but who adds them to a recording while it is made can only be
 * late. A walk goes through the file for them first, from the head of one block to that of the next. That is what the
 * reading itself would do, without the packets; of what passes by, a pipe, there is no walk, and secrets come as they
 * stand.
 *
 * Nothing in a description is believed that a packet could contradict: how many bytes it has is in its own block. Only of
 * Simple Packet Blocks, which say just the length on the wire, the description's longest packet says where the padding
 * begins, if there are fewer bytes than that.
 */
#include "capture/pcapng_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "base/cache_line.h"
#include "capture/file_bytes.h"
#include "capture/pcapng_format.h"
#include "capture/pcapng_interfaces.h"

#define BLOCK_HEAD 8
#define PACKET_BYTES (PCAPNG_FRAME_BYTES + PCAPNG_PACKET_FIELDS) /* of a block with an empty packet */
#define SECRETS_BYTES (PCAPNG_FRAME_BYTES + 8) /* ... of secrets, with none */
#define LENGTH_MAX 262144 /* of a packet: libpcap's, for every link type that we decode */
#define HEADS_BYTES 320   /* as in plain_pcap.c */
#define AHEAD_BYTES 1536
#define OTHER_BLOCK 0 /* of enhanced() and other_block(): no packet, go on */

struct pcapng_reader {
	struct file_bytes bytes;
	uint64_t left;     /* of a long block whose packet was handed out: up to its last length; 0: none */
	uint32_t left_len; /* what that must be */
	bool swapped;      /* the byte order of the section is not ours */
	bool failed;       /* there is damage, and nothing behind it */
	bool walked;       /* link types are those of the packets, and all secrets were handed out */
	struct pcapng_interfaces interfaces;
	struct pcapng_counts counts;
	secrets_fn *on_secrets; /* NULL: nobody wants them, or they were all handed out */
	void *ctx;
	int linktype[PCAPNG_LINKTYPES_MAX];
	size_t linktype_count;
	char error[PCAP_ERRBUF_SIZE];
};

/* Numbers in the order of the host that wrote the section; @s is long enough. */
static inline uint32_t number32(struct span s, size_t at, bool swapped)
{
	uint32_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return swapped ? __builtin_bswap32(value) : value;
}

static inline uint16_t number16(struct span s, size_t at, bool swapped)
{
	uint16_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return swapped ? __builtin_bswap16(value) : value;
}

static int cut(struct pcapng_reader *p, size_t wanted, int filled)
{
	p->failed = true;
	file_bytes_cut(&p->bytes, wanted, "block", filled, p->error, sizeof(p->error));
	return PCAP_ERROR;
}

/* What ends at @end does not add up: is that the file's fault, or has the file lost it? */
__attribute__((format(printf, 3, 4))) static int damaged(struct pcapng_reader *p, const uint8_t *end, const char *how, ...)
{
	va_list args;

	p->failed = true;
	if (!file_bytes_hold(&p->bytes, end))
		return cut(p, 0, FILE_MAP_LOST);
	p->counts.skipped[BLOCK_SKIP_MALFORMED]++;
	va_start(args, how);
	vsnprintf(p->error, sizeof(p->error), how, args);
	va_end(args);
	return PCAP_ERROR;
}

/* See that @n bytes of a block are at hand, and lend them: they are still unread. Return: OTHER_BLOCK or PCAP_ERROR. */
static int look_at(struct pcapng_reader *p, size_t n, struct span *out)
{
	struct span *unread = &p->bytes.unread;
	int filled = unread->len >= n ? 1 : file_bytes_fill(&p->bytes, n);

	*out = span_of(unread->at, n);
	return filled == 1 ? OTHER_BLOCK : cut(p, n, filled);
}

/* Take the length at a block's end. */
static int take_end(struct pcapng_reader *p, uint32_t len)
{
	struct span end;

	if (look_at(p, 4, &end) != OTHER_BLOCK)
		return PCAP_ERROR;
	span_skip(&p->bytes.unread, 4);
	if (number32(end, 0, p->swapped) != len)
		return damaged(p, end.at + 4, "a block of %u bytes has another length at its end", len);
	return OTHER_BLOCK;
}

/* The rest of a block of which the unread has the next @n bytes, the last four being its length. */
static int skip_to_end(struct pcapng_reader *p, uint64_t n, uint32_t len)
{
	int skipped = file_bytes_skip(&p->bytes, n - 4);

	return skipped == 1 ? take_end(p, len) : cut(p, 4, skipped);
}

/* ---- packets --------------------------------------------------------------------- */

/*
 * The packet of a block, of which @block is at least as much as such a packet may take. Inlined into enhanced(), and with
 * @swapped a constant there.
 */
__attribute__((always_inline)) static inline int take_packet(struct pcapng_reader *p, struct span block, uint32_t number,
							     bool swapped, struct packet *out)
{
	uint32_t len = number32(block, 20, swapped), wire_len = number32(block, 24, swapped);
	uint64_t time = (uint64_t)number32(block, 12, swapped) << 32 | number32(block, 16, swapped);
	const struct pcapng_interface *in;

	if (number >= p->interfaces.count)
		return damaged(p, block.at + block.len, "a packet is of interface %u, which is not described", number);
	if (len > LENGTH_MAX || len > block.len - PACKET_BYTES)
		return damaged(p, block.at + block.len, "invalid packet capture length %u in a block of %zu bytes", len, block.len);
	in = &p->interfaces.of[number];
	p->counts.packets++;
	*out = (struct packet){ .bytes = span_of(block.at + PACKET_BYTES - 4, len),
				.wire_len = wire_len > len ? wire_len : len,
				.linktype = in->linktype,
				.ts = { pcapng_interface_ns(in, time) } };
	return 1;
}

/* The next block, if it is an Enhanced Packet Block that is whole and at hand. */
__attribute__((always_inline)) static inline int enhanced(struct pcapng_reader *p, struct packet *out, bool swapped)
{
	struct span *unread = &p->bytes.unread, block;
	uint32_t len;

	if (unread->len < PACKET_BYTES || number32(*unread, 0, swapped) != PCAPNG_PACKET)
		return OTHER_BLOCK;
	len = number32(*unread, 4, swapped);
	if (len < PACKET_BYTES || len % 4 != 0 || len > unread->len || number32(*unread, len - 4, swapped) != len)
		return OTHER_BLOCK;
	span_take(unread, len, &block);
	return take_packet(p, block, number32(block, 8, swapped), swapped, out);
}

/*
 * RFC draft, 4.4: the length on the wire, and as many bytes as the description lets through. Where the block has them
 * all, the description, which may be wrong, is not asked.
 */
static int take_simple(struct pcapng_reader *p, struct span block, struct packet *out)
{
	const struct pcapng_interface *in = &p->interfaces.of[0];
	struct span bytes;
	uint32_t wire_len;

	if (!span_skip(&block, BLOCK_HEAD) || block.len < 4 + 4)
		return damaged(p, block.at + block.len, "a packet's block is too short for one");
	if (p->interfaces.count == 0)
		return damaged(p, block.at + block.len, "a packet is of interface 0, which is not described");
	wire_len = number32(block, 0, p->swapped);
	bytes = span_of(block.at + 4, block.len - 8);
	if (wire_len > bytes.len && in->snaplen > 0)
		span_truncate(&bytes, in->snaplen);
	span_truncate(&bytes, wire_len);
	if (bytes.len > LENGTH_MAX)
		return damaged(p, block.at + block.len, "invalid packet capture length %zu", bytes.len);
	p->counts.packets++;
	*out = (struct packet){ .bytes = bytes,
				.wire_len = wire_len,
				.linktype = in->linktype,
				.ts = { pcapng_interface_ns(in, 0) } };
	return 1;
}

static int take_any_packet(struct pcapng_reader *p, uint32_t type, struct span block, struct packet *out)
{
	if (type == PCAPNG_SIMPLE_PACKET)
		return take_simple(p, block, out);
	if (block.len < PACKET_BYTES)
		return damaged(p, block.at + block.len, "a packet's block is too short for one");
	return take_packet(p, block,
			   type == PCAPNG_OLD_PACKET ? number16(block, 8, p->swapped) : number32(block, 8, p->swapped),
			   p->swapped, out);
}

/* ---- secrets ----------------------------------------------------------------------- */

static bool is_known_kind(uint32_t type)
{
	switch (type) {
	case PCAPNG_INTERFACE:
	case PCAPNG_OLD_PACKET:
	case PCAPNG_SIMPLE_PACKET:
	case PCAPNG_NAMES:
	case PCAPNG_STATISTICS:
	case PCAPNG_PACKET:
	case PCAPNG_SECRETS:
	case PCAPNG_CUSTOM:
	case PCAPNG_CUSTOM_NO_COPY:
		return true;
	default:
		return false;
	}
}

/* Does a block begin @bytes, which has its length at both its ends? */
static bool begins_block(struct span bytes, bool swapped)
{
	uint32_t len;

	if (bytes.len < PCAPNG_FRAME_BYTES)
		return false;
	if (number32(bytes, 0, false) == PCAPNG_SECTION) {
		uint32_t magic = number32(bytes, BLOCK_HEAD, false);

		swapped = magic != PCAPNG_BYTE_ORDER;
		if (swapped && __builtin_bswap32(magic) != PCAPNG_BYTE_ORDER)
			return false;
	} else if (!is_known_kind(number32(bytes, 0, swapped))) {
		return false;
	}
	len = number32(bytes, 4, swapped);
	return len >= PCAPNG_FRAME_BYTES && len % 4 == 0 && len <= bytes.len && number32(bytes, len - 4, swapped) == len;
}

/* At most FILE_BYTES_MAX of what is unread, and all there is if that is less. Return: as file_bytes_fill(). */
static int look_ahead(struct pcapng_reader *p, struct span *out)
{
	int filled = p->bytes.unread.len >= FILE_BYTES_MAX ? 1 : file_bytes_fill(&p->bytes, FILE_BYTES_MAX);

	*out = p->bytes.unread;
	span_truncate(out, FILE_BYTES_MAX);
	return filled;
}

/* Where in @bytes, from @at on, a block begins; its length if none does. */
static size_t find_in(struct span bytes, size_t at, bool swapped)
{
	while (at < bytes.len && !begins_block(span_of(bytes.at + at, bytes.len - at), swapped))
		at++;
	return at < bytes.len ? at : bytes.len;
}

/*
 * A block of secrets begins or ends here, of which the length is wrong: pass over what is left of it, up to where the next
 * block begins, behind @at bytes at least. A place at which there is none passes for one if four bytes are a kind and four
 * are twice the same length, so once in 2^60 of those that mean something else. Blocks of more than half a window are not
 * known; what follows those is. Return: OTHER_BLOCK, or PCAP_ERROR: there is none.
 */
static int pass_over(struct pcapng_reader *p, size_t at, uint32_t len)
{
	struct span ahead;
	int filled;

	while ((filled = look_ahead(p, &ahead)) >= 0) {
		if (!file_bytes_hold(&p->bytes, ahead.at + ahead.len))
			return cut(p, 0, FILE_MAP_LOST);
		at = find_in(ahead, at, p->swapped);
		if (at < ahead.len) {
			span_skip(&p->bytes.unread, at);
			p->counts.skipped[BLOCK_SKIP_DAMAGED_SECRETS]++;
			return OTHER_BLOCK;
		}
		if (filled == 0)
			return len > ahead.len ? cut(p, len, 0)
					       : damaged(p, ahead.at, "a block of %u bytes of secrets has another length", len);
		span_skip(&p->bytes.unread, FILE_BYTES_MAX / 2);
		at = 0;
	}
	return cut(p, 0, filled);
}

/*
 * The rest of a long block of secrets, of which there are @n bytes with the length at its end. They are believed unless a
 * block begins in them, as far as that can be at hand.
 */
static int take_end_of_secrets(struct pcapng_reader *p, uint64_t n, uint32_t len)
{
	struct span ahead, end;
	int skipped;

	if (n > 8) { /* more than padding */
		int filled = look_ahead(p, &ahead);

		if (filled < 0)
			return cut(p, 4, filled);
		if (find_in(ahead, 0, p->swapped) < (n < ahead.len ? n : ahead.len))
			return pass_over(p, 0, len);
	}
	skipped = file_bytes_skip(&p->bytes, n - 4);
	if (skipped != 1)
		return cut(p, 4, skipped);
	if (look_at(p, 4, &end) != OTHER_BLOCK)
		return PCAP_ERROR;
	if (number32(end, 0, p->swapped) != len)
		return pass_over(p, 0, len);
	span_skip(&p->bytes.unread, 4);
	return OTHER_BLOCK;
}

/* As much of @text as ends with a line; all if it has none that ends. */
static size_t whole_lines(struct span text)
{
	size_t len = text.len;

	while (len > 0 && text.at[len - 1] != '\n' && text.at[len - 1] != '\r')
		len--;
	return len ? len : text.len;
}

/* The block of @len bytes is longer than what can be at hand, and has @left of its text yet: no text has a zero in it. */
static int long_text(struct pcapng_reader *p, uint32_t left, uint32_t behind, uint32_t len)
{
	while (left > 0) {
		size_t at_hand = left < FILE_BYTES_MAX ? left : FILE_BYTES_MAX;
		const uint8_t *zero;
		struct span text;

		if (look_at(p, at_hand, &text) != OTHER_BLOCK)
			return PCAP_ERROR;
		zero = memchr(text.at, 0, text.len);
		if (zero) /* of the next block, or of the length of four bytes before it */
			return pass_over(p, zero - text.at > BLOCK_HEAD ? (size_t)(zero - text.at) - BLOCK_HEAD : 0, len);
		if (at_hand < left)
			span_truncate(&text, whole_lines(text));
		span_skip(&p->bytes.unread, text.len);
		left -= (uint32_t)text.len;
		if (p->on_secrets)
			p->on_secrets(p->ctx, text);
	}
	return take_end_of_secrets(p, behind, len);
}

static int long_secrets(struct pcapng_reader *p, uint32_t len)
{
	struct span ahead;
	uint64_t damaged_before;
	uint32_t kind, text;
	int result, filled = look_ahead(p, &ahead);

	if (filled != 1)
		return filled < 0 ? cut(p, 0, filled) : pass_over(p, BLOCK_HEAD, len);
	kind = number32(ahead, BLOCK_HEAD, p->swapped);
	text = number32(ahead, BLOCK_HEAD + 4, p->swapped);
	if (kind == PCAPNG_TLS_KEYS && text <= len - SECRETS_BYTES) {
		p->counts.secrets++;
		span_skip(&p->bytes.unread, BLOCK_HEAD + 8);
		return long_text(p, text, len - (BLOCK_HEAD + 8) - text, len);
	}
	damaged_before = p->counts.skipped[BLOCK_SKIP_DAMAGED_SECRETS];
	result = take_end_of_secrets(p, len, len);
	if (p->counts.skipped[BLOCK_SKIP_DAMAGED_SECRETS] == damaged_before)
		p->counts.skipped[kind == PCAPNG_TLS_KEYS ? BLOCK_SKIP_DAMAGED_SECRETS : BLOCK_SKIP_SECRETS]++;
	return result;
}

/* One that is whole, with both its lengths. */
static void take_secrets(struct pcapng_reader *p, struct span block)
{
	size_t text;

	if (block.len < SECRETS_BYTES) {
		p->counts.skipped[BLOCK_SKIP_DAMAGED_SECRETS]++;
		return;
	}
	if (number32(block, BLOCK_HEAD, p->swapped) != PCAPNG_TLS_KEYS) {
		p->counts.skipped[BLOCK_SKIP_SECRETS]++;
		return;
	}
	text = number32(block, BLOCK_HEAD + 4, p->swapped);
	if (text > block.len - SECRETS_BYTES) {
		p->counts.skipped[BLOCK_SKIP_DAMAGED_SECRETS]++;
		return;
	}
	p->counts.secrets++;
	if (p->on_secrets && text > 0)
		p->on_secrets(p->ctx, span_of(block.at + BLOCK_HEAD + 8, text));
}

/*
 * The unread begins with a block of secrets of @len bytes, or so it says. What is wrong with it costs what is in it, but no
 * packet: the rest of the file is another matter.
 */
static int secrets_block(struct pcapng_reader *p, uint32_t len)
{
	struct span ahead, block = { 0 };
	int filled;

	if (len > FILE_BYTES_MAX)
		return len % 4 == 0 ? long_secrets(p, len) : pass_over(p, BLOCK_HEAD, len);
	filled = p->bytes.unread.len >= len ? 1 : file_bytes_fill(&p->bytes, len);
	if (filled < 0)
		return cut(p, 0, filled);
	ahead = p->bytes.unread;
	if (filled == 0 || len < PCAPNG_FRAME_BYTES || len % 4 != 0 || number32(ahead, len - 4, p->swapped) != len)
		return pass_over(p, BLOCK_HEAD, len);
	span_take(&p->bytes.unread, len, &block);
	take_secrets(p, block);
	return OTHER_BLOCK;
}

/* ---- blocks of other kinds ----------------------------------------------------------- */

/* Interfaces are counted anew, and the byte order is known from here on. */
static int begin_section(struct pcapng_reader *p, struct span block)
{
	if (block.len < BLOCK_HEAD + 16 + 4)
		return damaged(p, block.at + block.len, "a section's block is too short for one");
	if (number16(block, 12, p->swapped) != 1)
		return damaged(p, block.at + block.len, "a section of version %u.%u of the format",
			       number16(block, 12, p->swapped), number16(block, 14, p->swapped));
	p->counts.sections++;
	p->interfaces.count = 0;
	return OTHER_BLOCK;
}

static void note_linktype(struct pcapng_reader *p, int linktype)
{
	for (size_t i = 0; i < p->linktype_count; i++)
		if (p->linktype[i] == linktype)
			return;
	if (p->linktype_count < PCAPNG_LINKTYPES_MAX)
		p->linktype[p->linktype_count++] = linktype;
}

static int describe_interface(struct pcapng_reader *p, struct span block)
{
	struct span body = span_of(block.at + BLOCK_HEAD, block.len - PCAPNG_FRAME_BYTES);
	const char *problem;
	int result = pcapng_interfaces_add(&p->interfaces, body, p->swapped, &problem);

	if (result == -ENOMEM)
		return cut(p, 0, result);
	if (result != 0)
		return damaged(p, block.at + block.len, "%s", problem);
	p->counts.interfaces++;
	if (!p->walked)
		note_linktype(p, p->interfaces.of[p->interfaces.count - 1].linktype);
	return OTHER_BLOCK;
}

/* The byte order of a section is in its own block, and the block's length is in it. */
static int know_byte_order(struct pcapng_reader *p)
{
	uint32_t magic = number32(p->bytes.unread, BLOCK_HEAD, false);

	if (magic != PCAPNG_BYTE_ORDER && __builtin_bswap32(magic) != PCAPNG_BYTE_ORDER)
		return damaged(p, p->bytes.unread.at + PCAPNG_FRAME_BYTES,
			       p->counts.sections ? "a section's byte order is unknown" : "unknown file format");
	p->swapped = magic != PCAPNG_BYTE_ORDER;
	return OTHER_BLOCK;
}

/*
 * Take a block of @len bytes that is looked at, with the length at its end. Of one that is longer than what can be at hand,
 * the rest is left for later; a packet and what is said of it stand in front of that.
 */
static int take_block(struct pcapng_reader *p, uint32_t len, struct span *block)
{
	size_t at_hand = len < FILE_BYTES_MAX ? len : FILE_BYTES_MAX;

	if (look_at(p, at_hand, block) != OTHER_BLOCK)
		return PCAP_ERROR;
	span_skip(&p->bytes.unread, at_hand);
	if (at_hand < len) {
		p->left = len - at_hand;
		p->left_len = len;
	} else if (number32(*block, len - 4, p->swapped) != len) {
		return damaged(p, block->at + len, "a block of %u bytes has another length at its end", len);
	}
	return OTHER_BLOCK;
}

static int known_block(struct pcapng_reader *p, uint32_t type, uint32_t len, struct packet *out)
{
	struct span block;

	if (take_block(p, len, &block) != OTHER_BLOCK)
		return PCAP_ERROR;
	if (type == PCAPNG_SECTION)
		return begin_section(p, block);
	if (type == PCAPNG_INTERFACE)
		return describe_interface(p, block);
	return take_any_packet(p, type, block, out);
}

/* What a long block has behind its packet or what else was looked at. */
static int take_left(struct pcapng_reader *p)
{
	uint64_t left = p->left;

	p->left = 0;
	return skip_to_end(p, left, p->left_len);
}

static enum block_skip skip_of(uint32_t type)
{
	switch (type) {
	case PCAPNG_NAMES:
		return BLOCK_SKIP_NAMES;
	case PCAPNG_STATISTICS:
		return BLOCK_SKIP_STATISTICS;
	case PCAPNG_CUSTOM:
	case PCAPNG_CUSTOM_NO_COPY:
		return BLOCK_SKIP_CUSTOM;
	default:
		return BLOCK_SKIP_UNKNOWN;
	}
}

/* Any block. Return: 1 with a packet in @out, OTHER_BLOCK, PCAP_ERROR_BREAK at the end, or PCAP_ERROR. */
static int other_block(struct pcapng_reader *p, struct packet *out)
{
	struct span *unread = &p->bytes.unread;
	int filled = unread->len >= PCAPNG_FRAME_BYTES ? 1 : file_bytes_fill(&p->bytes, PCAPNG_FRAME_BYTES);
	uint32_t type, len;

	if (filled == 0 && unread->len == 0)
		return PCAP_ERROR_BREAK;
	if (filled != 1)
		return cut(p, PCAPNG_FRAME_BYTES, filled);
	if (number32(*unread, 0, false) == PCAPNG_SECTION && know_byte_order(p) != OTHER_BLOCK)
		return PCAP_ERROR;
	type = number32(*unread, 0, p->swapped);
	len = number32(*unread, 4, p->swapped);
	if (type == PCAPNG_SECRETS)
		return secrets_block(p, len);
	if (len < PCAPNG_FRAME_BYTES || len % 4 != 0)
		return damaged(p, unread->at + PCAPNG_FRAME_BYTES, "a block of %u bytes", len);
	switch (type) {
	case PCAPNG_SECTION:
	case PCAPNG_INTERFACE:
	case PCAPNG_PACKET:
	case PCAPNG_OLD_PACKET:
	case PCAPNG_SIMPLE_PACKET:
		return known_block(p, type, len, out);
	}
	p->counts.skipped[skip_of(type)]++;
	return skip_to_end(p, len, len);
}

/* ---- the whole file -------------------------------------------------------------------- */

/* Behind whatever is no packet, or needs more than enhanced() does. Return: as pcapng_reader_next(). */
static int find_next(struct pcapng_reader *p, struct packet *out)
{
	int result = p->failed ? PCAP_ERROR : OTHER_BLOCK;

	while (result == OTHER_BLOCK)
		result = p->left ? take_left(p) : other_block(p, out);
	return result;
}

__attribute__((always_inline)) static inline int next(struct pcapng_reader *p, struct packet *out)
{
	int result = OTHER_BLOCK;

	if (p->left == 0 && !p->failed)
		result = p->swapped ? enhanced(p, out, true) : enhanced(p, out, false);
	return result == OTHER_BLOCK ? find_next(p, out) : result;
}

/* Fetch as much as the next packet takes, or will be looked at of it. Inlined for the reason of span_prefetch(). */
__attribute__((always_inline)) static inline void fetch_ahead(const struct pcapng_reader *p)
{
	struct span unread = p->bytes.unread;
	size_t len;

	if (unread.len < BLOCK_HEAD)
		return;
	len = number32(unread, 4, p->swapped);
	span_prefetch(unread, PACKET_BYTES + (len < AHEAD_BYTES ? AHEAD_BYTES : len), len < HEADS_BYTES ? len : HEADS_BYTES);
}

int pcapng_reader_next(struct pcapng_reader *p, struct packet *out)
{
	int result = next(p, out);

	if (result == 1)
		fetch_ahead(p);
	return result;
}

bool pcapng_reader_ready(const struct pcapng_reader *p)
{
	struct span unread = p->bytes.unread;

	return unread.len >= BLOCK_HEAD && p->left == 0 && number32(unread, 4, p->swapped) <= unread.len;
}

/* Is a whole block at hand that is no packet? */
static bool has_another_block(const struct pcapng_reader *p)
{
	uint32_t type;

	if (!pcapng_reader_ready(p))
		return false;
	type = number32(p->bytes.unread, 0, p->swapped);
	return type != PCAPNG_PACKET && type != PCAPNG_SIMPLE_PACKET && type != PCAPNG_OLD_PACKET;
}

int pcapng_reader_begin(struct pcapng_reader *p)
{
	struct packet unused;
	int result = OTHER_BLOCK;

	while (result == OTHER_BLOCK && (p->counts.interfaces == 0 || has_another_block(p)))
		result = p->left ? take_left(p) : other_block(p, &unused);
	if (p->counts.interfaces > 0)
		return 1; /* what is wrong behind it shows when it is read */
	if (result == PCAP_ERROR_BREAK)
		return cut(p, PCAPNG_FRAME_BYTES, 0);
	return PCAP_ERROR;
}

/* ---- a walk, and the rest -------------------------------------------------------------------- */

void pcapng_reader_walk(struct pcapng_reader *p)
{
	struct packet packet;
	int last = -1;

	p->walked = true;
	p->linktype_count = 0;
	while (next(p, &packet) == 1) {
		fetch_ahead(p);
		if (packet.linktype != last)
			note_linktype(p, packet.linktype);
		last = packet.linktype;
	}
	p->on_secrets = NULL;
}

void pcapng_reader_restart(struct pcapng_reader *p, struct input *input)
{
	if (!file_bytes_rewind(&p->bytes)) {
		file_bytes_deinit(&p->bytes);
		file_bytes_init(&p->bytes, input);
	}
	p->left = 0;
	p->swapped = p->failed = false;
	p->interfaces.count = 0;
	p->counts = (struct pcapng_counts){ 0 };
}

bool pcapng_reader_knows(const struct input *input)
{
	return input_begins(input, SPAN_LITERAL("\n\r\r\n"));
}

struct pcapng_reader *pcapng_reader_new(struct input *input, secrets_fn *on_secrets, void *ctx)
{
	struct pcapng_reader *p = cache_line_calloc(sizeof(*p));

	if (!p)
		return NULL;
	file_bytes_init(&p->bytes, input);
	p->on_secrets = on_secrets;
	p->ctx = ctx;
	return p;
}

int pcapng_reader_linktype(const struct pcapng_reader *p, size_t i)
{
	return i < p->linktype_count ? p->linktype[i] : -1;
}

uint64_t pcapng_reader_done(const struct pcapng_reader *p)
{
	return file_bytes_done(&p->bytes);
}

const struct pcapng_counts *pcapng_reader_counts(const struct pcapng_reader *p)
{
	return &p->counts;
}

const char *pcapng_reader_error(const struct pcapng_reader *p)
{
	return p->error;
}

void pcapng_reader_free(struct pcapng_reader *p)
{
	if (!p)
		return;
	file_bytes_deinit(&p->bytes);
	pcapng_interfaces_deinit(&p->interfaces);
	free(p);
}
