/*
 * recorder.c - see recorder.h
 *
 * Flows hang in one of two lists by the time of their last packet, open and
 * closed. A closed one (reset, or both ends sent FIN) stays for CLOSED_NS, since
 * packets that are late may still complete a request; a SYN makes it a new flow
 * at once. Held blocks hang in the list of their flow, and all of them in one
 * list by age.
 */
#include "app/record/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/record/block_writer.h"
#include "base/hash.h"
#include "base/units.h"
#include "capture/pcapng_writer.h"

#define MEMORY_SHARE 8 /* of --max-memory: one part is ours */
#define BUCKET_PER 512 /* bytes of the bound: a flow and its first packet need about as much */
#define BUCKETS_MAX (UINT64_C(1) << 22)
#define IDLE_NS (INT64_C(3600) * NS_PER_S) /* as long as the tracker keeps a flow */
#define CLOSED_NS (INT64_C(10) * NS_PER_S)
#define FLOW_BYTES (sizeof(struct recorded_flow) + 16)
#define COMMENT_PREFIX "shadowtap request"

/*
 * HELD     packets wait for a chosen request
 * WRITTEN  there was one: packets go to the file
 */
enum flow_state { FLOW_HELD, FLOW_WRITTEN };

struct recorded_flow {
	struct recorded_flow *chain;
	struct recorded_flow *older, *newer;
	struct endpoint end[2]; /* the lower one first: both directions are one flow */
	uint32_t domain;
	uint32_t hash;
	struct wall last;
	struct block *first, *last_block; /* HELD, in order */
	uint64_t held_bytes;
	uint64_t forgotten; /* packets that are not held any more */
	uint64_t unfiled;   /* HELD: packets that have no file */
	enum flow_state state;
	uint8_t fins; /* a bit for each end */
	bool closed;
	bool has_secrets; /* --write-secrets: it was asked whether there are any */
};

struct flow_list {
	struct recorded_flow *oldest, *newest;
};

/* A chosen request whose flow is to be written; its packet comes at once, if it was one that completed it. */
struct chosen {
	struct endpoint end[2];
	uint64_t id;
};

/** struct recorder_output - what the recorders of all lanes share; the loop's thread makes and frees it */
struct recorder_output {
	struct block_writer *writer;
	size_t users, lanes;
	struct block_memory memory[]; /* one per lane; blocks are charged there until they are written */
};

struct recorder {
	struct recorder_options o;
	struct recorder_output *output;
	struct block_memory *memory; /* the lane's part */
	struct block_writer *writer;
	struct hash_key key;
	struct recorded_flow **buckets;
	size_t bucket_count;
	struct flow_list open, closed;
	struct block *oldest, *newest; /* of all that are held */
	struct chosen *chosen;
	size_t chosen_count, chosen_cap;
	struct buffer comment; /* reused */
	struct recorder_stats stats;
};

/* ---- flows ------------------------------------------------------------------ */

static void canonical(const struct endpoint *a, const struct endpoint *b, struct endpoint end[2])
{
	bool swap = memcmp(a, b, sizeof(*a)) > 0;

	end[0] = swap ? *b : *a;
	end[1] = swap ? *a : *b;
}

/* The domain is no part of the hash: a chosen request names the ends only. */
static uint32_t hash_of(const struct recorder *r, const struct endpoint end[2])
{
	return (uint32_t)hash_bytes(&r->key, end, 2 * sizeof(*end));
}

static struct recorded_flow **bucket_of(struct recorder *r, uint32_t hash)
{
	return &r->buckets[hash & (r->bucket_count - 1)];
}

static bool has_ends(const struct recorded_flow *f, const struct endpoint end[2])
{
	return memcmp(f->end, end, sizeof(f->end)) == 0;
}

static struct flow_list *list_of(struct recorder *r, const struct recorded_flow *f)
{
	return f->closed ? &r->closed : &r->open;
}

static void unlink_flow(struct flow_list *list, struct recorded_flow *f)
{
	*(f->older ? &f->older->newer : &list->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &list->newest) = f->older;
}

static void append_flow(struct flow_list *list, struct recorded_flow *f)
{
	f->older = list->newest;
	f->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = f;
	list->newest = f;
}

static void unlink_held(struct recorder *r, struct block *b)
{
	*(b->older ? &b->older->newer : &r->oldest) = b->newer;
	*(b->newer ? &b->newer->older : &r->newest) = b->older;
}

/* Take the oldest held block out of a flow that has one. */
static struct block *take_first(struct recorder *r, struct recorded_flow *f)
{
	struct block *b = f->first;

	f->first = b->next;
	if (!f->first)
		f->last_block = NULL;
	f->held_bytes -= b->bytes;
	unlink_held(r, b);
	return b;
}

static void forget_first(struct recorder *r, struct recorded_flow *f)
{
	f->forgotten++;
	block_free(take_first(r, f));
}

static void forget_held(struct recorder *r, struct recorded_flow *f)
{
	while (f->first)
		forget_first(r, f);
}

static void remove_flow(struct recorder *r, struct recorded_flow *f)
{
	struct recorded_flow **link = bucket_of(r, f->hash);

	forget_held(r, f);
	while (*link != f)
		link = &(*link)->chain;
	*link = f->chain;
	unlink_flow(list_of(r, f), f);
	free(f);
	budget_release(&r->memory->own, FLOW_BYTES);
	budget_release(r->o.budget, FLOW_BYTES);
}

static void expire(struct recorder *r, struct wall now)
{
	while (r->open.oldest && wall_between(r->open.oldest->last, now) > IDLE_NS)
		remove_flow(r, r->open.oldest);
	while (r->closed.oldest && wall_between(r->closed.oldest->last, now) > CLOSED_NS)
		remove_flow(r, r->closed.oldest);
}

/* ---- memory ------------------------------------------------------------------- */

/*
 * Something goes, so that something new fits: what the writer is about to write
 * anyway, where there is time for it; then the oldest packet; then, when there
 * are flows but no packets, the flow that was silent for longest.
 * @busy: a flow that must stay.
 */
static bool make_room(struct recorder *r, const struct recorded_flow *busy)
{
	struct recorded_flow *silent = r->closed.oldest;

	if (!silent || silent == busy)
		silent = r->open.oldest;
	if (r->o.waits && block_writer_wait(r->writer))
		return true;
	if (r->oldest) {
		forget_first(r, r->oldest->owner);
		return true;
	}
	if (!silent || silent == busy)
		return false;
	remove_flow(r, silent);
	return true;
}

static struct block *new_block(struct recorder *r, size_t bytes, const struct recorded_flow *busy)
{
	struct block *b;

	while (!(b = block_new(r->memory, bytes)))
		if (!make_room(r, busy))
			return NULL;
	return b;
}

static bool charge_flow(struct recorder *r)
{
	if (!budget_charge(&r->memory->own, FLOW_BYTES))
		return false;
	if (budget_charge(r->o.budget, FLOW_BYTES))
		return true;
	budget_release(&r->memory->own, FLOW_BYTES);
	return false;
}

static struct recorded_flow *add_flow(struct recorder *r, const struct endpoint end[2], uint32_t domain,
				      uint32_t hash)
{
	struct recorded_flow *f;

	while (!charge_flow(r))
		if (!make_room(r, NULL))
			return NULL;
	f = calloc(1, sizeof(*f));
	if (!f) {
		budget_release(&r->memory->own, FLOW_BYTES);
		budget_release(r->o.budget, FLOW_BYTES);
		return NULL;
	}
	memcpy(f->end, end, sizeof(f->end));
	f->domain = domain;
	f->hash = hash;
	f->chain = *bucket_of(r, hash);
	*bucket_of(r, hash) = f;
	append_flow(&r->open, f);
	return f;
}

static struct recorded_flow *find_flow(struct recorder *r, const struct segment *segment)
{
	struct endpoint end[2];
	uint32_t hash;
	struct recorded_flow *f;

	canonical(&segment->src, &segment->dst, end);
	hash = hash_of(r, end);
	for (f = *bucket_of(r, hash); f; f = f->chain)
		if (f->domain == segment->domain && has_ends(f, end))
			return f;
	return add_flow(r, end, segment->domain, hash);
}

/* ---- what is written ------------------------------------------------------------ */

static void write_flow(struct recorder *r, struct recorded_flow *f)
{
	if (f->state == FLOW_WRITTEN)
		return;
	f->state = FLOW_WRITTEN;
	r->stats.flows++;
	r->stats.forgotten += f->forgotten;
	r->stats.unfiled += f->unfiled;
	while (f->first)
		block_writer_add(r->writer, take_first(r, f));
}

static void hold(struct recorder *r, struct recorded_flow *f, struct block *b)
{
	b->next = NULL;
	*(f->last_block ? &f->last_block->next : &f->first) = b;
	f->last_block = b;
	f->held_bytes += b->bytes;
	b->owner = f;
	b->older = r->newest;
	b->newer = NULL;
	*(r->newest ? &r->newest->newer : &r->oldest) = b;
	r->newest = b;
	while (f->held_bytes > r->memory->own.limit / 2)
		forget_first(r, f);
}

static int file_of(const struct recorder *r, int linktype)
{
	for (size_t i = 0; i < r->o.file_count; i++)
		if (r->o.files[i].linktype == linktype)
			return (int)i;
	return -1;
}

static void keep_packet(struct recorder *r, struct recorded_flow *f, const struct packet *packet)
{
	int file = file_of(r, packet->linktype);
	struct block *b;

	if (file < 0) {
		*(f->state == FLOW_WRITTEN ? &r->stats.unfiled : &f->unfiled) += 1;
		return;
	}
	b = new_block(r, pcapng_packet_bytes(packet->bytes.len, r->comment.len), f);
	if (!b) {
		*(f->state == FLOW_WRITTEN ? &r->stats.dropped : &f->forgotten) += 1;
		return;
	}
	pcapng_packet(b->data, packet, buffer_span(&r->comment));
	b->file = (uint8_t)file;
	b->counts = true;
	if (f->state == FLOW_WRITTEN)
		block_writer_add(r->writer, b);
	else
		hold(r, f, b);
}

/* ---- chosen requests ---------------------------------------------------------------- */

/** needs_secrets() - is there a flow of @end for which none were written? Asked once */
static bool needs_secrets(struct recorder *r, const struct endpoint end[2])
{
	uint32_t hash = hash_of(r, end);
	bool needs = false;

	for (struct recorded_flow *f = *bucket_of(r, hash); f; f = f->chain) {
		if (!has_ends(f, end) || f->has_secrets)
			continue;
		f->has_secrets = needs = true;
	}
	return needs;
}

static void write_secrets(struct recorder *r, struct span text)
{
	for (size_t i = 0; i < r->o.file_count; i++) {
		struct block *b = new_block(r, pcapng_secrets_bytes(text.len), NULL);

		if (!b) {
			r->stats.dropped++;
			return;
		}
		pcapng_secrets(b->data, text);
		b->file = (uint8_t)i;
		block_writer_add(r->writer, b);
	}
	r->stats.secrets++;
}

/** hand_secrets_on() - ahead of the packets of their flow, which are written next */
static void hand_secrets_on(struct recorder *r, const struct request_origin *origin)
{
	struct endpoint end[2];
	struct buffer text = { 0 };

	canonical(&origin->client, &origin->server, end);
	if (!needs_secrets(r, end))
		return;
	r->o.secrets_of(r->o.secrets_ctx, origin->tls->random, &text);
	if (buffer_ok(&text) && text.len > 0)
		write_secrets(r, buffer_span(&text));
	if (text.bytes)
		explicit_bzero(text.bytes, text.len);
	buffer_deinit(&text);
}

void recorder_chosen(struct recorder *r, const struct request_origin *origin)
{
	if (r->o.secrets_of && origin->tls)
		hand_secrets_on(r, origin);
	if (r->chosen_count == r->chosen_cap) {
		size_t cap = r->chosen_cap ? r->chosen_cap * 2 : 64;
		struct chosen *more = realloc(r->chosen, cap * sizeof(*more));

		if (!more) {
			r->stats.dropped++; /* of how many packets the flow is, is not known yet */
			return;
		}
		r->chosen = more;
		r->chosen_cap = cap;
	}
	canonical(&origin->client, &origin->server, r->chosen[r->chosen_count].end);
	r->chosen[r->chosen_count++].id = origin->id;
}

/* A request that a packet of another flow completed, or the end: it gave up a gap there. Any domain will do. */
static void write_flows_of(struct recorder *r, const struct endpoint end[2])
{
	uint32_t hash = hash_of(r, end);

	for (struct recorded_flow *f = *bucket_of(r, hash); f; f = f->chain)
		if (has_ends(f, end))
			write_flow(r, f);
}

static void name_request(struct recorder *r, uint64_t id)
{
	char text[MESSAGE_ID_TEXT_MAX];

	if (r->comment.len + MESSAGE_ID_TEXT_MAX + sizeof(COMMENT_PREFIX) > PCAPNG_COMMENT_MAX)
		return;
	if (r->comment.len == 0)
		buffer_add_str(&r->comment, COMMENT_PREFIX);
	buffer_printf(&r->comment, " %s", message_id_text(id, text));
	if (!buffer_ok(&r->comment))
		buffer_clear(&r->comment); /* the packet matters more than what is said about it */
}

/* Returns whether the flow of @segment, which need not be known yet, gave one of them. */
static bool take_chosen(struct recorder *r, const struct segment *segment)
{
	struct endpoint end[2] = { { .port = 0 } };
	bool ours = false;

	if (segment)
		canonical(&segment->src, &segment->dst, end);
	for (size_t i = 0; i < r->chosen_count; i++) {
		const struct chosen *c = &r->chosen[i];

		if (segment && memcmp(c->end, end, sizeof(end)) == 0) {
			name_request(r, c->id);
			ours = true;
		} else {
			write_flows_of(r, c->end);
		}
	}
	r->chosen_count = 0;
	return ours;
}

/* ---- packets ---------------------------------------------------------------------------- */

static void reopen_flow(struct recorder *r, struct recorded_flow *f)
{
	forget_held(r, f);
	f->state = FLOW_HELD;
	f->forgotten = f->unfiled = 0;
	f->fins = 0;
	f->closed = f->has_secrets = false;
}

/* Keep the flow's place in its list, and move it when its packet opens or closes it. */
static void touch_flow(struct recorder *r, struct recorded_flow *f, const struct segment *segment)
{
	bool from_first = memcmp(&segment->src, &f->end[0], sizeof(f->end[0])) == 0;

	unlink_flow(list_of(r, f), f);
	if (f->closed && (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		reopen_flow(r, f);
	if (segment->flags & TCP_FIN)
		f->fins |= from_first ? 1 : 2;
	if (segment->flags & TCP_RST || f->fins == 3)
		f->closed = true;
	if (f->last.ns < segment->ts.ns)
		f->last = segment->ts;
	append_flow(list_of(r, f), f);
}

void recorder_packet(struct recorder *r, const struct packet *packet, const struct segment *segment)
{
	struct recorded_flow *f;
	bool gave_chosen;

	buffer_clear(&r->comment);
	gave_chosen = r->chosen_count > 0 && take_chosen(r, segment);
	expire(r, packet->ts);
	f = find_flow(r, segment);
	if (!f) {
		r->stats.dropped += gave_chosen;
		return;
	}
	touch_flow(r, f, segment);
	if (gave_chosen)
		write_flow(r, f);
	keep_packet(r, f, packet);
}

void recorder_fragment(struct recorder *r, const struct packet *packet, const struct segment *segment)
{
	struct recorded_flow *f;

	buffer_clear(&r->comment);
	expire(r, packet->ts);
	f = find_flow(r, segment);
	if (!f)
		return;
	touch_flow(r, f, segment);
	keep_packet(r, f, packet);
}

/* ---- beginning and end --------------------------------------------------------------------- */

static int add_file_head(struct recorder *r, size_t file)
{
	struct buffer head = { 0 };
	struct block *b = NULL;

	pcapng_file_head(&head, r->o.files[file].linktype, r->o.snaplen,
			 SPAN_LITERAL("shadowtap " SHADOWTAP_VERSION));
	if (buffer_ok(&head))
		b = block_new(r->memory, head.len);
	if (b) {
		memcpy(b->data, head.bytes, head.len);
		b->file = (uint8_t)file;
		block_writer_add(r->writer, b);
	}
	buffer_deinit(&head);
	return b ? 0 : -ENOMEM;
}

static size_t buckets_for(uint64_t bytes)
{
	size_t count = 1024;

	while (count < BUCKETS_MAX && count < bytes / BUCKET_PER)
		count *= 2;
	return count;
}

static struct recorder_output *output_new(const struct recorder_options *o)
{
	size_t lanes = o->lanes ? o->lanes : 1;
	struct recorder_output *output = calloc(1, sizeof(*output) + lanes * sizeof(output->memory[0]));

	if (!output)
		return NULL;
	output->lanes = lanes;
	for (size_t i = 0; i < lanes; i++) {
		budget_init(&output->memory[i].own, o->max_memory / MEMORY_SHARE / lanes);
		output->memory[i].shared = o->budget;
	}
	return output;
}

static struct recorder *recorder_of(const struct recorder_options *o, struct recorder_output *output, size_t lane)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->o = *o;
	r->memory = &output->memory[lane];
	r->key = hash_key_random();
	r->bucket_count = buckets_for(r->memory->own.limit);
	r->buckets = calloc(r->bucket_count, sizeof(*r->buckets));
	if (!r->buckets) {
		free(r);
		return NULL;
	}
	r->output = output;
	r->writer = output->writer;
	output->users++;
	return r;
}

static int begin_files(struct recorder *r)
{
	int fds[RECORDER_FILES_MAX], err;

	for (size_t i = 0; i < r->o.file_count; i++)
		fds[i] = r->o.files[i].fd;
	err = block_writer_new(fds, r->o.file_count, &r->output->writer);
	r->writer = r->output->writer;
	for (size_t i = 0; i < r->o.file_count && err == 0; i++)
		err = add_file_head(r, i);
	return err;
}

int recorder_new(const struct recorder_options *options, struct recorder **out)
{
	struct recorder_output *output = output_new(options);
	struct recorder *r = output ? recorder_of(options, output, 0) : NULL;
	int err;

	if (!r) {
		free(output);
		return -ENOMEM;
	}
	err = begin_files(r);
	if (err < 0) {
		recorder_close(r);
		return err;
	}
	*out = r;
	return 0;
}

int recorder_join(struct recorder *first, size_t lane, struct recorder **out)
{
	*out = recorder_of(&first->o, first->output, lane);
	return *out ? 0 : -ENOMEM;
}

void recorder_interrupt(struct recorder *r)
{
	block_writer_interrupt(r->writer);
}

/* The last one out: everything is written, and nothing is charged any more. */
static void close_output(struct recorder_output *output, struct recorder_stats *stats)
{
	struct block_totals totals = block_writer_close(output->writer);

	stats->packets = totals.written;
	stats->bytes = totals.bytes;
	stats->dropped += totals.lost;
	stats->error = totals.error;
	stats->error_file = totals.error_file;
	free(output);
}

struct recorder_stats recorder_close(struct recorder *r)
{
	struct recorder_stats stats = { 0 };

	if (!r)
		return stats;
	take_chosen(r, NULL);
	while (r->open.oldest)
		remove_flow(r, r->open.oldest);
	while (r->closed.oldest)
		remove_flow(r, r->closed.oldest);
	stats = r->stats;
	if (--r->output->users == 0)
		close_output(r->output, &stats);
	buffer_deinit(&r->comment);
	free(r->chosen);
	free(r->buckets);
	free(r);
	return stats;
}
