/*
 * hpack.c - see hpack.h
 *
 * Theory of operation. An encoder writes a field as a literal, which it may insert into a table that both ends
 * keep, or as an index into that table. An index below 62 is a row of the static table and needs nothing else.
 * Index 61 + k is the k-th entry, counted from the newest insertion. A listener that comes late, or missed a
 * part, does not have the encoder's table. It does not need it:
 *
 * Number the insertions from some moment on: 1, 2 ... n, every one of them seen. The table changes in two ways
 * only: an insertion goes to its front, and evictions take from its back (RFC 7541, 2.3.2 and 4.3). So it
 * always consists of the last so many insertions, with none missing in between, and if the encoder may say
 * 61 + k at all, that means insertion n + 1 - k. If k <= n, that insertion was seen, and is known for certain.
 * Else it is older than the moment, and unknown. How large the table is, what was evicted, when its size
 * changed, how long the older entries are: all this decides whether an index is valid, and never what a valid one means.
 *
 * What follows from it:
 *  - No size has to be known. To keep an entry longer than the encoder does is harmless, since nothing valid
 *    refers to it. To drop the oldest ones earlier, for want of memory, makes known fields unknown, never wrong.
 *    An entry must not be dropped alone, since all older ones would move up by one: if the newest cannot be
 *    kept, all are dropped.
 *  - Every block of the direction must pass through here, in order, whatever becomes of its stream. Of a block
 *    over a limit the fields are dropped, and its insertions are not.
 *  - A literal that takes its name from an unknown entry is inserted like others, without a name. Entries that
 *    take their names from it have none either, so a field that is new in each request may stay unnamed for as
 *    long as the connection lives.
 *  - An entry larger than the table empties it and is not stored (4.4). If the table's size is not known, the
 *    entry may be kept: what is older cannot be referred to any more in either case.
 *  - Where a block may have been missed, an unknown number of insertions is missing from the numbers. What was
 *    inserted before is forgotten, and numbers begin anew (@epoch).
 *
 * The argument takes a valid encoder. Where the connection's start was seen and nothing was missed, sizes are
 * tracked exactly as well, and a reference to what was evicted is refused like other malformed blocks, as the
 * receiver does. Else only the receiver can tell, and it ends the connection.
 *
 * Cost. Most heads of one client are a few indices, often the same bytes as before. A short block is copied
 * into the head, so that its fields lie there, in the table, or among decoded strings, all of which stay until
 * the head is used again. When the same bytes come from the same decoder and its table is as it was, nothing is
 * left to be done. Proxies write heads that refer to no entry, and may insert the same ones each time: such a
 * block says the same to every decoder, and only its insertions are left to be made.
 */
#include "http/http2/hpack.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "http/http2/hpack_static.h"

/* The first byte of a representation (RFC 7541, 6) */
#define IS_INDEXED 0x80
#define IS_INSERTED 0x40
#define IS_SIZE_UPDATE 0x20
#define IS_NEVER_INDEXED 0x10

#define IS_HUFFMAN 0x80 /* the first byte of a string (5.2) */

/** struct coded - a string as it stands in the block */
struct coded {
	struct span bytes;
	bool huffman;
};

/** struct name - a name that was referred to; @lasts: longer than the block does */
struct name {
	struct span text;
	bool lasts;
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void hpack_init(struct hpack *h, struct budget *budget, bool from_start)
{
	static _Atomic uint64_t decoders;

	*h = (struct hpack){
		.table = { .budget = budget, .max = HPACK_TABLE_SIZE },
		.id = atomic_fetch_add_explicit(&decoders, 1, memory_order_relaxed),
		.limit = HPACK_TABLE_SIZE,
		.exact = from_start,
	};
}

void hpack_deinit(struct hpack *h)
{
	hpack_table_free(&h->table);
}

/** worth_keeping() - the size of the table's newest part that is kept where the encoder's choice isn't known */
static uint32_t worth_keeping(const struct hpack *h)
{
	uint32_t said = h->limit == UINT32_MAX ? HPACK_TABLE_SIZE : least(h->limit, HPACK_TABLE_SIZE_MAX);

	return most(h->table.max, most(said, HPACK_TABLE_SIZE));
}

void hpack_set_limit(struct hpack *h, uint32_t limit)
{
	h->limit = limit;
	if (!h->exact)
		h->table.max = worth_keeping(h);
}

/** lose() - what is inserted from here on is known; spans stay valid */
static void lose(struct hpack *h)
{
	hpack_table_clear(&h->table);
	h->exact = false;
	h->table.max = worth_keeping(h);
	h->epoch++;
}

void hpack_forget(struct hpack *h)
{
	lose(h);
	hpack_table_free(&h->table);
}

size_t hpack_held(const struct hpack *h)
{
	return hpack_table_held(&h->table);
}

/** take_integer() - RFC 7541, 5.1, with a prefix of @bits in @first; false if cut off, or beyond 32 bits */
static bool take_integer(struct span *in, uint8_t first, unsigned bits, uint32_t *out)
{
	uint32_t prefix = (1u << bits) - 1;
	uint64_t n = first & prefix;
	uint8_t more = 0x80;

	for (unsigned shift = 0; n >= prefix && more & 0x80; shift += 7) {
		if (shift > 28 || !span_u8(in, &more))
			return false;
		n += (uint64_t)(more & 0x7f) << shift;
	}
	*out = (uint32_t)n;
	return n <= UINT32_MAX;
}

static bool take_string(struct span *in, struct coded *out)
{
	uint32_t len;
	uint8_t first;

	if (!span_u8(in, &first) || !take_integer(in, first, 7, &len))
		return false;
	out->huffman = first & IS_HUFFMAN;
	return span_take(in, len, &out->bytes);
}

/** go_over() - @head is more than is kept of one */
static void go_over(struct hpack_head *head)
{
	head->over = true;
	head->count = head->unnamed = head->unknown = 0;
	head->used = 0;
}

/** add_field() - the next one of @head, to be written; NULL if it is over, or now goes over by one of @bytes */
static inline struct hpack_field *add_field(struct hpack_head *head, size_t bytes)
{
	size_t size = head->list_size + bytes + HPACK_ENTRY_OVERHEAD;

	if (size > HPACK_LIST_MAX || head->count == HPACK_FIELDS_MAX || head->over) {
		go_over(head);
		return NULL;
	}
	head->list_size = size;
	return &head->fields[head->count++];
}

static inline void add_static(struct hpack_head *head, uint32_t index)
{
	const struct hpack_field *row = &hpack_static[index];
	struct hpack_field *f = add_field(head, row->name.len + row->value.len);

	if (f)
		*f = *row;
}

static inline void add_entry(struct hpack_head *head, const struct hpack_entry *e)
{
	struct hpack_field *f = add_field(head, (size_t)e->name_len + e->value_len);

	if (!f)
		return;
	f->name = span_of(e->name, e->name_len);
	f->value = span_of(e->value, e->value_len);
	f->knowledge = e->name ? HPACK_KNOWN : HPACK_UNNAMED;
	f->never_indexed = false;
	head->unnamed += !e->name;
}

static void add_unknown(struct hpack_head *head)
{
	struct hpack_field *f = add_field(head, 0);

	if (!f)
		return;
	*f = (struct hpack_field){ .knowledge = HPACK_UNKNOWN };
	head->unknown++;
}

/** indexed() - RFC 7541, 6.1 */
static inline int indexed(struct hpack *h, struct span *in, uint8_t first, struct hpack_head *head)
{
	uint32_t index = first & 0x7f;
	const struct hpack_entry *e;

	if (index == 0 || (index == 0x7f && !take_integer(in, first, 7, &index)))
		return -EBADMSG;
	if (index <= HPACK_STATIC_COUNT) {
		add_static(head, index);
		return 0;
	}
	head->stands_alone = false;
	e = hpack_table_entry(&h->table, index - HPACK_STATIC_COUNT);
	if (e)
		add_entry(head, e);
	else if (h->exact)
		return -EBADMSG;
	else
		add_unknown(head);
	return 0;
}

/** name_at() - the name of @index, with a span of NULL if it isn't known; false if there is none */
static bool name_at(const struct hpack *h, uint32_t index, struct name *out)
{
	const struct hpack_entry *e;

	*out = (struct name){ .lasts = true };
	if (index <= HPACK_STATIC_COUNT) {
		out->text = hpack_static[index].name;
		return true;
	}
	e = hpack_table_entry(&h->table, index - HPACK_STATIC_COUNT);
	if (e)
		out->text = span_of(e->name, e->name_len);
	return e || !h->exact;
}

static size_t most_bytes(const struct coded *s)
{
	return s->huffman ? hpack_huffman_most(s->bytes.len) : 0;
}

static size_t least_bytes(const struct coded *s)
{
	return s->huffman ? hpack_huffman_least(s->bytes.len) : s->bytes.len;
}

/** decode_string() - into @head, where there is room, if it is coded; -EBADMSG if it is not well */
static int decode_string(const struct coded *s, struct hpack_head *head, struct span *out)
{
	ssize_t len;

	*out = s->bytes;
	if (!s->huffman)
		return 0;
	len = hpack_huffman_decode(s->bytes, &head->bytes[head->used]);
	if (len < 0)
		return (int)len;
	*out = span_of(&head->bytes[head->used], (size_t)len);
	head->used += (size_t)len;
	return 0;
}

/** make_room() - may both strings be decoded into @head, at the cost of its fields? */
static bool make_room(struct hpack_head *head, size_t bytes)
{
	if (head->over)
		head->used = 0;
	if (bytes > HPACK_LIST_MAX - head->used)
		go_over(head);
	return bytes <= HPACK_LIST_MAX - head->used;
}

static void insert(struct hpack *h, const struct name *name, struct span value)
{
	if (!hpack_table_insert(&h->table, name->text, name->lasts, value))
		lose(h);
}

/** insert_literal() - into the table; the field that is added to @head next is what was inserted */
static void insert_literal(struct hpack *h, struct hpack_head *head, const struct name *name, struct span value)
{
	if (head->over) /* no field has a span into it */
		hpack_table_begin(&h->table);
	insert(h, name, value);
	if (head->inserted_count == HPACK_MEMO_INSERTIONS)
		head->stands_alone = false;
	else
		head->inserted[head->inserted_count++] =
			(struct hpack_insertion){ (uint8_t)head->count, name->lasts };
}

/** insert_again() - what the block that @head remembers has inserted, here or into the table of another decoder */
static void insert_again(struct hpack *h, const struct hpack_head *head)
{
	bool is_newest = h->newest.head == head && h->newest.number == head->number &&
			 h->newest.changes == h->table.changes;
	uint32_t count = (uint32_t)head->inserted_count;

	hpack_table_begin(&h->table);
	for (uint32_t i = 0; i < count; i++) {
		const struct hpack_field *f = &head->fields[head->inserted[i].field];

		if (is_newest && h->table.count >= count) {
			if (!hpack_table_repeat(&h->table, count))
				lose(h);
		} else {
			insert(h, &(struct name){ f->name, head->inserted[i].name_lasts }, f->value);
		}
	}
	h->newest.head = head;
	h->newest.number = head->number;
	h->newest.changes = h->table.changes;
}

/** insert_unread() - one that is too long to be decoded: it empties the table, or else its size isn't known */
static void insert_unread(struct hpack *h, size_t size_least)
{
	if (size_least > h->table.max)
		hpack_table_clear(&h->table);
	else
		lose(h);
}

/** literal() - RFC 7541, 6.2 */
static int literal(struct hpack *h, struct span *in, uint8_t first, struct hpack_head *head)
{
	struct coded coded_name = { 0 }, coded_value;
	bool inserted = first & IS_INSERTED;
	struct name name = { 0 };
	struct hpack_field *f;
	struct span value;
	uint32_t index;

	if (!take_integer(in, first, inserted ? 6 : 4, &index) ||
	    (index == 0 && !take_string(in, &coded_name)) || !take_string(in, &coded_value) ||
	    (index > 0 && !name_at(h, index, &name)))
		return -EBADMSG;
	head->stands_alone &= index <= HPACK_STATIC_COUNT;
	if (!make_room(head, most_bytes(&coded_name) + most_bytes(&coded_value))) {
		if (inserted)
			insert_unread(h, name.text.len + least_bytes(&coded_name) + least_bytes(&coded_value) +
						 HPACK_ENTRY_OVERHEAD);
		return 0;
	}
	if ((index == 0 && decode_string(&coded_name, head, &name.text) < 0) ||
	    decode_string(&coded_value, head, &value) < 0)
		return -EBADMSG;
	if (inserted)
		insert_literal(h, head, &name, value);
	f = add_field(head, name.text.len + value.len);
	if (!f)
		return 0;
	*f = (struct hpack_field){ name.text, value, name.text.at ? HPACK_KNOWN : HPACK_UNNAMED,
				   !inserted && first & IS_NEVER_INDEXED };
	head->unnamed += !name.text.at;
	return 0;
}

bool hpack_walks(struct span block)
{
	struct coded string;
	uint32_t n;
	uint8_t first;

	while (span_u8(&block, &first)) {
		bool inserted = first & IS_INSERTED;

		if (first & IS_INDEXED || (first & 0xe0) == IS_SIZE_UPDATE) {
			if (!take_integer(&block, first, first & IS_INDEXED ? 7 : 5, &n) || (first & IS_INDEXED && n == 0))
				return false;
		} else if (!take_integer(&block, first, inserted ? 6 : 4, &n) || (n == 0 && !take_string(&block, &string)) ||
			   !take_string(&block, &string)) {
			return false;
		}
	}
	return true;
}

/** size_updates() - those at the front (RFC 7541, 4.2 and 6.3) */
static int size_updates(struct hpack *h, struct span *in)
{
	while (in->len > 0 && (in->at[0] & 0xe0) == IS_SIZE_UPDATE) {
		uint32_t size;
		uint8_t first;

		if (!span_u8(in, &first) || !take_integer(in, first, 5, &size) || (h->exact && size > h->limit))
			return -EBADMSG;
		h->exact &= size <= HPACK_TABLE_SIZE_MAX;
		hpack_table_resize(&h->table, least(size, HPACK_TABLE_SIZE_MAX));
	}
	return 0;
}

static int read_fields(struct hpack *h, struct span in, struct hpack_head *head)
{
	uint8_t first;
	size_t len = in.len;
	int ret = size_updates(h, &in);

	head->stands_alone = in.len == len;
	while (ret == 0 && span_u8(&in, &first)) {
		if (first & IS_INDEXED)
			ret = indexed(h, &in, first, head);
		else if ((first & 0xe0) == IS_SIZE_UPDATE)
			ret = -EBADMSG;
		else
			ret = literal(h, &in, first, head);
	}
	return ret;
}

/** is_remembered() - is @head already what @block says? */
static bool is_remembered(const struct hpack *h, struct span block, const struct hpack_head *head)
{
	return head->memo_len > 0 &&
	       (head->stands_alone || (head->memo_decoder == h->id && head->memo_changes == h->table.changes)) &&
	       span_equal(block, span_of(head->memo, head->memo_len));
}

static void head_begin(struct hpack_head *head)
{
	head->number++;
	head->count = head->unnamed = head->unknown = 0;
	head->list_size = head->used = head->memo_len = head->inserted_count = 0;
	head->over = false;
}

int hpack_decode(struct hpack *h, struct span block, struct hpack_head *head)
{
	bool is_short = block.len > 0 && block.len <= HPACK_MEMO_MAX;
	uint64_t changes = h->table.changes;
	int ret;

	if (is_remembered(h, block, head)) {
		if (head->stands_alone)
			insert_again(h, head);
		return 0;
	}
	head_begin(head);
	hpack_table_begin(&h->table);
	if (is_short) {
		memcpy(head->memo, block.at, block.len);
		block.at = head->memo;
	}
	ret = read_fields(h, block, head);
	if (ret < 0) {
		go_over(head);
		head->over = false;
		hpack_forget(h);
	} else if (is_short && !head->over && (head->stands_alone || changes == h->table.changes)) {
		head->memo_decoder = h->id;
		head->memo_changes = changes;
		head->memo_len = block.len;
	}
	return ret;
}

const struct span *hpack_find(const struct hpack_head *head, struct span name)
{
	for (size_t i = 0; i < head->count; i++)
		if (head->fields[i].knowledge == HPACK_KNOWN && span_equal(head->fields[i].name, name))
			return &head->fields[i].value;
	return NULL;
}

enum hpack_completeness hpack_completeness(const struct hpack_head *head, const struct span *needed,
					   size_t count)
{
	if (head->over)
		return HPACK_HEAD_UNKNOWN;
	if (head->unnamed + head->unknown == 0)
		return HPACK_HEAD_WHOLE;
	for (size_t i = 0; i < count; i++)
		if (!hpack_find(head, needed[i]))
			return HPACK_HEAD_UNKNOWN;
	return HPACK_HEAD_PART;
}
