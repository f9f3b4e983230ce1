/*
 * findings.c - see findings.h
 *
 * Theory of operation: differences are counted by pattern and kind. The pattern
 * is the path with * for indices, as JSON pointer (RFC 6901); a member that is
 * really called * is written ~2 there, as in rules. While the comparer walks,
 * the path is an array of steps that borrow the keys from the text. When
 * something differs, the steps that are new since the last time are hashed (an
 * index hashes like any other, so that all elements of an array share the hash
 * of their steps) and the pair of hash and kind is looked up: a million
 * differing numbers in one array cost a million lookups, no texts.
 *
 * Texts are made when a pattern is seen for the first time, and in full only at
 * the end: of the worst place the indices are kept, and the path is the pattern
 * with these put in.
 *
 * There is room for FINDINGS_MAX. What comes later is only counted, unless it is
 * graver than something that is kept: then it takes the place of the mildest,
 * so that sixty-four paths that are merely close never hide one that is wrong.
 *
 * The hash is SipHash under a random key: keys come from strangers.
 */
#include "compare/findings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "base/json_doc.h"

#define PATTERN_MAX 4096 /* bytes of a path; longer ones are cut */
#define TABLE_SIZE 128   /* at least 2 * FINDINGS_MAX, a power of two */
#define NOTHING UINT8_MAX

static_assert(FINDINGS_MAX * 2 <= TABLE_SIZE && FINDINGS_MAX < NOTHING,
	      "the table is never more than half full");

/** struct slot - what is kept beside a finding */
struct slot {
	uint64_t hash;
	double badness; /* of the worst place */
	struct buffer pattern, path;
	uint32_t *indices; /* of the worst place */
	size_t index_cap;
};

struct collector {
	struct step steps[COLLECTOR_DEPTH];
	size_t depth, hashed;
	struct hash_key key;
	struct finding findings[FINDINGS_MAX], shown[FINDINGS_MAX];
	struct slot slots[FINDINGS_MAX];
	size_t count;
	uint8_t table[TABLE_SIZE];
	uint64_t kinds[DIFFERENCE_COUNT];
	uint64_t overflow, numbers;
	double max_abs, max_rel;
	struct model_decision decisions[DECISIONS_MAX];
	size_t decision_count;
	uint64_t decisions_total, decisions_agree, decisions_otherwise;
	struct outputs_found outputs;
	struct buffer scratch;
	bool failed;
};

struct collector *collector_new(void)
{
	struct collector *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->key = hash_key_random();
	collector_clear(c);
	return c;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < FINDINGS_MAX; i++) {
		buffer_deinit(&c->slots[i].pattern);
		buffer_deinit(&c->slots[i].path);
		free(c->slots[i].indices);
	}
	buffer_deinit(&c->scratch);
	free(c);
}

void collector_clear(struct collector *c)
{
	c->depth = 0;
	c->hashed = 0;
	c->count = 0;
	memset(c->table, NOTHING, sizeof(c->table));
	memset(c->kinds, 0, sizeof(c->kinds));
	c->overflow = 0;
	c->numbers = 0;
	c->max_abs = 0;
	c->max_rel = 0;
	c->decision_count = 0;
	c->decisions_total = 0;
	c->decisions_agree = 0;
	c->decisions_otherwise = 0;
	outputs_found_clear(&c->outputs);
	c->failed = false;
}

static struct step *enter(struct collector *c)
{
	return c->depth < COLLECTOR_DEPTH ? &c->steps[c->depth++] : NULL;
}

void collector_enter_key(struct collector *c, struct span key, bool escaped)
{
	struct step *s = enter(c);

	if (s)
		*s = (struct step){ .key = key, .escaped = escaped };
}

void collector_enter_index(struct collector *c, uint32_t index)
{
	struct step *s = enter(c);

	if (s)
		*s = (struct step){ .index = index, .is_index = true };
}

void collector_index(struct collector *c, uint32_t index)
{
	c->steps[c->depth - 1].index = index;
}

void collector_leave(struct collector *c)
{
	if (c->depth > 0)
		c->depth--;
	if (c->hashed > c->depth)
		c->hashed = c->depth;
}

/** key_of() - what a key says; borrowed until the next call */
static struct span key_of(struct collector *c, const struct step *s)
{
	if (!s->escaped)
		return s->key;
	buffer_clear(&c->scratch);
	json_unescape(s->key, &c->scratch);
	if (!buffer_ok(&c->scratch))
		c->failed = true;
	return buffer_span(&c->scratch);
}

static uint64_t pattern_hash(struct collector *c)
{
	for (; c->hashed < c->depth; c->hashed++) {
		struct step *s = &c->steps[c->hashed];
		uint64_t parts[2] = { c->hashed ? c->steps[c->hashed - 1].hash : 0, 0 };

		if (!s->is_index) {
			struct span key = key_of(c, s);

			parts[1] = hash_bytes(&c->key, key.at, key.len) | 1;
		}
		s->hash = hash_bytes(&c->key, parts, sizeof(parts));
	}
	return c->depth ? c->steps[c->depth - 1].hash : 0;
}

static size_t entry_of(const struct collector *c, uint64_t hash, enum difference_kind kind)
{
	size_t at = (hash + kind) % TABLE_SIZE;

	while (c->table[at] != NOTHING) {
		uint8_t i = c->table[at];

		if (c->slots[i].hash == hash && c->findings[i].kind == kind)
			break;
		at = (at + 1) % TABLE_SIZE;
	}
	return at;
}

static void add_pattern_key(struct buffer *b, struct span key)
{
	for (size_t i = 0; i < key.len && b->len < PATTERN_MAX; i++) {
		if (key.at[i] == '~')
			buffer_add(b, "~0", 2);
		else if (key.at[i] == '/')
			buffer_add(b, "~1", 2);
		else if (key.at[i] == '*' && key.len == 1)
			buffer_add(b, "~2", 2);
		else
			buffer_add(b, key.at + i, 1);
	}
}

static void write_pattern(struct collector *c, struct buffer *b)
{
	buffer_clear(b);
	for (size_t i = 0; i < c->depth && b->len < PATTERN_MAX; i++) {
		buffer_add(b, "/", 1);
		if (c->steps[i].is_index)
			buffer_add(b, "*", 1);
		else
			add_pattern_key(b, key_of(c, &c->steps[i]));
	}
	if (b->len >= PATTERN_MAX)
		buffer_add_str(b, "...");
	buffer_text(b);
	if (!buffer_ok(b))
		c->failed = true;
}

/** mildest() - the finding that is the least grave; of these the one that was added last */
static size_t mildest(const struct collector *c)
{
	size_t worst = 0;

	for (size_t i = 1; i < c->count; i++)
		if (c->findings[i].kind >= c->findings[worst].kind)
			worst = i;
	return worst;
}

static void rebuild_table(struct collector *c)
{
	memset(c->table, NOTHING, sizeof(c->table));
	for (size_t i = 0; i < c->count; i++)
		c->table[entry_of(c, c->slots[i].hash, c->findings[i].kind)] = (uint8_t)i;
}

/** claim() - a place for a pattern not seen before; FINDINGS_MAX if it is only counted */
static size_t claim(struct collector *c, uint64_t hash, enum difference_kind kind)
{
	size_t i = c->count;

	if (i == FINDINGS_MAX) {
		i = mildest(c);
		if (c->findings[i].kind <= kind)
			return FINDINGS_MAX;
		c->overflow += c->findings[i].count;
	} else {
		c->count++;
	}
	c->findings[i] = (struct finding){ .kind = kind };
	c->slots[i].hash = hash;
	c->slots[i].badness = -1;
	write_pattern(c, &c->slots[i].pattern);
	rebuild_table(c);
	return i;
}

/** keep_place() - the indices of where we are, as those of the worst place */
static void keep_place(struct collector *c, struct slot *s)
{
	size_t n = 0;

	if (s->index_cap < c->depth) {
		size_t cap = c->depth < 8 ? 8 : COLLECTOR_DEPTH;
		uint32_t *indices = realloc(s->indices, cap * sizeof(*indices));

		if (!indices) {
			c->failed = true;
			return;
		}
		s->indices = indices;
		s->index_cap = cap;
	}
	for (size_t i = 0; i < c->depth; i++)
		if (c->steps[i].is_index)
			s->indices[n++] = c->steps[i].index;
}

/** count_one() - one more at this path; the finding if @badness is a new maximum */
static struct finding *count_one(struct collector *c, enum difference_kind kind, double badness, double abs,
				 double rel)
{
	uint64_t hash = pattern_hash(c);
	size_t i = c->table[entry_of(c, hash, kind)];
	struct finding *f;

	c->kinds[kind]++;
	if (i == NOTHING)
		i = claim(c, hash, kind);
	if (i == FINDINGS_MAX) {
		c->overflow++;
		return NULL;
	}
	f = &c->findings[i];
	f->count++;
	f->numbers += abs > 0;
	f->relatives += rel > 0;
	if (abs > f->max_abs)
		f->max_abs = abs;
	if (rel > f->max_rel)
		f->max_rel = rel;
	if (!(badness > c->slots[i].badness))
		return NULL;
	c->slots[i].badness = badness;
	keep_place(c, &c->slots[i]);
	f->production[0] = '\0';
	f->shadow[0] = '\0';
	return f;
}

struct finding *collector_add(struct collector *c, enum difference_kind kind)
{
	return count_one(c, kind, 0, 0, 0);
}

struct finding *collector_output(struct collector *c, enum difference_kind kind, enum output_kind output, double badness)
{
	c->outputs.differences[kind]++;
	c->outputs.kind[kind] = output;
	return count_one(c, kind, badness, 0, 0);
}

struct outputs_found *collector_outputs(struct collector *c)
{
	return &c->outputs;
}

void collector_judged(struct collector *c, bool agrees)
{
	c->outputs.judged++;
	c->outputs.agree += agrees;
}

const char *collector_reason(const struct collector *c, enum difference_kind kind)
{
	return outputs_found_kind(&c->outputs, kind, c->kinds[kind]);
}

struct finding *collector_add_ignored(struct collector *c, const char *rule)
{
	struct finding *f = collector_add(c, DIFFERENCE_IGNORED);

	if (f && !f->rule) /* several rules may hold at places of one pattern: the first is named */
		f->rule = rule;
	return f;
}

struct finding *collector_add_at(struct collector *c, enum difference_kind kind, const char *pattern, uint32_t index)
{
	size_t depth = c->depth;
	struct finding *f;

	while (*pattern == '/') {
		size_t len = strcspn(++pattern, "/");

		if (len == 1 && *pattern == '*')
			collector_enter_index(c, index);
		else
			collector_enter_key(c, span_of(pattern, len), false);
		pattern += len;
	}
	f = collector_add(c, kind);
	while (c->depth > depth)
		collector_leave(c);
	return f;
}

bool collector_is_at(const struct collector *c, const char *pattern)
{
	for (size_t i = 0; i < c->depth; i++) {
		const struct step *s = &c->steps[i];
		size_t len;

		if (*pattern != '/')
			return false;
		len = strcspn(++pattern, "/");
		if (s->is_index ? !(len == 1 && *pattern == '*') :
				  s->escaped || !span_equal(s->key, span_of(pattern, len)))
			return false;
		pattern += len;
	}
	return *pattern == '\0';
}

struct finding *collector_add_numbers(struct collector *c, enum difference_kind kind, const struct tolerance *t,
				      double production, double shadow)
{
	double abs = fabs(production - shadow), rel = production != 0 ? abs / fabs(production) : 0, allowed;

	if (!isfinite(abs)) /* nothing to measure, and worse than what can be measured */
		return count_one(c, kind, INFINITY, 0, 0);
	if (!isfinite(rel))
		rel = 0;
	if (abs > c->max_abs)
		c->max_abs = abs;
	if (rel > c->max_rel)
		c->max_rel = rel;
	allowed = tolerance_allows(t, production);
	return count_one(c, kind, allowed > 0 ? abs / allowed : abs, abs, rel);
}

/* To the last byte that begins a character, if the rest doesn't fit */
static size_t cut_length(struct span text, size_t room)
{
	size_t len = room;

	if (text.len <= room)
		return text.len;
	while (len > 0 && room - len < 3 && (text.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void copy_text(char *out, size_t size, struct span text)
{
	static const char dots[] = "...";
	size_t len = cut_length(text, size - 1);

	if (len < text.len) {
		len = cut_length(text, size - sizeof(dots));
		memcpy(out + len, dots, sizeof(dots));
	} else {
		out[len] = '\0';
	}
	if (len)
		memcpy(out, text.at, len);
}

void finding_text(char out[FINDING_TEXT], struct span text)
{
	copy_text(out, FINDING_TEXT, text);
}

void collector_compared(struct collector *c, uint64_t numbers)
{
	c->numbers += numbers;
}

void collector_decision(struct collector *c, struct span production, double production_score,
			struct span shadow, double shadow_score, bool agrees)
{
	struct model_decision *d;

	c->decisions_total++;
	c->decisions_agree += agrees;
	c->decisions_otherwise += agrees && !span_equal(production, shadow);
	if (c->decision_count == DECISIONS_MAX)
		return;
	d = &c->decisions[c->decision_count++];
	copy_text(d->production, LABEL_TEXT, production);
	copy_text(d->shadow, LABEL_TEXT, shadow);
	d->production_score = production_score;
	d->shadow_score = shadow_score;
	d->agrees = agrees;
}

enum comparison_verdict collector_verdict(const struct collector *c)
{
	for (enum difference_kind kind = 0; kind < DIFFERENCE_COUNT; kind++)
		if (c->kinds[kind])
			return difference_verdict(kind);
	return COMPARISON_EQUAL;
}

bool collector_has(const struct collector *c, enum difference_kind kind)
{
	return c->kinds[kind] > 0;
}

bool collector_ok(const struct collector *c)
{
	return !c->failed;
}

/** write_path() - the pattern with the indices of the worst place put in, and ~2 as what it stands for */
static const char *write_path(struct slot *s)
{
	const struct buffer *from = &s->pattern;
	size_t n = 0;

	buffer_clear(&s->path);
	for (size_t i = 0; i < from->len; i++) {
		bool alone = i + 1 == from->len || from->bytes[i + 1] == '/';

		if (from->bytes[i] == '*' && from->bytes[i - 1] == '/' && alone && n < s->index_cap)
			buffer_printf(&s->path, "%u", s->indices[n++]);
		else if (from->bytes[i] == '~' && i + 1 < from->len && from->bytes[i + 1] == '2')
			buffer_add_str(&s->path, "*"), i++;
		else
			buffer_add(&s->path, from->bytes + i, 1);
	}
	return buffer_text(&s->path);
}

struct findings collector_findings(struct collector *c)
{
	size_t n = 0;

	for (size_t kind = 0; kind < DIFFERENCE_COUNT; kind++)
		for (size_t i = 0; i < c->count; i++) {
			if (c->findings[i].kind != kind)
				continue;
			c->shown[n] = c->findings[i];
			c->shown[n].pattern = buffer_text(&c->slots[i].pattern);
			c->shown[n].path = write_path(&c->slots[i]);
			n++;
		}
	return (struct findings){ .at = c->shown,
				  .count = n,
				  .overflow = c->overflow,
				  .ignored = c->kinds[DIFFERENCE_IGNORED],
				  .numbers = c->numbers,
				  .max_abs = c->max_abs,
				  .max_rel = c->max_rel,
				  .decisions = c->decisions,
				  .decision_count = c->decision_count,
				  .decisions_total = c->decisions_total + c->outputs.judged,
				  .decisions_agree = c->decisions_agree + c->outputs.agree,
				  .decisions_otherwise = c->decisions_otherwise,
				  .outputs = outputs_any(&c->outputs.sum) ? &c->outputs : NULL };
}
