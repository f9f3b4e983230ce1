/*
 * request_features.c - see request_features.h
 *
 * Theory of operation. Whether a header counts is asked once for each name and remembered by a keyed hash, since
 * the answer takes a walk over a list of globs; a name that takes another one's place is asked for again.
 */
#include "compare/tally/request_features.h"

#include <math.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/json.h"
#include "compare/body.h"
#include "compare/tally/request_features_impl.h"

#define HEADER "header:"
#define TEXTS_MAX (FEATURES_MAX * FEATURE_TEXT_MAX + 128) /* and the network of the client */

/* Quarters of powers of two: from 2^-20, where 0 ends, to 2^64. */
#define QUARTERS      4
#define QUARTER_FIRST (-20 * QUARTERS)
#define QUARTER_LAST  (64 * QUARTERS)
#define CODE_LAST     (QUARTER_LAST - QUARTER_FIRST)
#define SHARES        20 /* cells of a share */
#define NOTHING       1e-9

_Static_assert(CODE_LAST + 1 == FEATURE_CODE_TOP, "what is infinite has the cell behind the last");

const char *feature_aspect_name(enum feature_aspect aspect)
{
	static const char *const names[] = {
#define X(id, name) [FEATURE_##id] = name,
		FEATURE_ASPECTS(X)
#undef X
	};

	return names[aspect];
}

/* 2^-3/4, 2^-2/4, 2^-1/4: where the quarters of [1/2, 1) end. */
static const double quarter_ends[] = { 0.59460355750136051, 0.70710678118654757, 0.8408964152537145 };

/** quarter_above() - the least q with @x <= 2^(q/4), for @x > 0 */
static int quarter_above(double x)
{
	int power, quarter = 1;
	double part = frexp(x, &power); /* in [1/2, 1) */

	if (part <= 0.5)
		return QUARTERS * (power - 1);
	while (quarter < QUARTERS && part > quarter_ends[quarter - 1])
		quarter++;
	return QUARTERS * (power - 1) + quarter;
}

/** quarter_below() - the greatest q with 2^(q/4) <= @x, for @x > 0 */
static int quarter_below(double x)
{
	int power, quarter = 0;
	double part = frexp(x, &power);

	while (quarter < QUARTERS - 1 && part >= quarter_ends[quarter])
		quarter++;
	return QUARTERS * (power - 1) + quarter;
}

static int code_within(int code)
{
	return code > CODE_LAST ? CODE_LAST : code;
}

int16_t feature_code(double x)
{
	int q;

	if (isinf(x))
		return x > 0 ? FEATURE_CODE_TOP : -FEATURE_CODE_TOP;
	if (x == 0)
		return 0;
	q = x > 0 ? quarter_above(x) : quarter_below(-x);
	if (x > 0)
		return (int16_t)(q > QUARTER_FIRST ? code_within(q - QUARTER_FIRST) : 0);
	return (int16_t)(q >= QUARTER_FIRST ? -code_within(q - QUARTER_FIRST + 1) : 0);
}

double feature_edge(enum feature_aspect aspect, int code)
{
	if (aspect == FEATURE_HOUR)
		return code;
	if (aspect == FEATURE_ZEROS)
		return code < 0 ? -NOTHING : (double)code / SHARES;
	if (code >= FEATURE_CODE_TOP)
		return INFINITY;
	if (code < -FEATURE_CODE_TOP)
		return -INFINITY;
	if (code < 0)
		return -exp2((double)(-code - 1 + QUARTER_FIRST) / QUARTERS);
	return exp2((double)(code + QUARTER_FIRST) / QUARTERS);
}

/* ---- what all need ---- */

bool feature_is_name(struct span name)
{
	if (name.len >= FEATURE_NAME_MAX)
		return false;
	while (name.len > 0) {
		size_t len = utf8_length(name);

		if (len == 0 || name.at[0] == '\0')
			return false;
		span_skip(&name, len);
	}
	return true;
}

struct span features_name(struct features *f, struct span name)
{
	size_t from = f->names.len;

	if (f->count == FEATURES_MAX || !feature_is_name(name) || f->names.cap - from < name.len)
		return span_of(NULL, 0);
	buffer_add_span(&f->names, name);
	return span_of(f->names.bytes + from, name.len);
}

void features_put(struct features *f, struct feature_value v)
{
	if (v.name.at && f->count < FEATURES_MAX)
		f->at[f->count++] = v;
}

void features_number(struct features *f, struct span name, enum feature_aspect aspect, double x)
{
	struct feature_value v = { .name = name, .aspect = aspect, .is_whole = floor(x) == x };

	if (isnan(x))
		return;
	if (aspect == FEATURE_ZEROS)
		v.code = (int16_t)ceil(x * SHARES);
	else if (aspect == FEATURE_HOUR)
		v.code = (int16_t)x;
	else
		v.code = feature_code(x);
	features_put(f, v);
}

static void put_text(struct features *f, struct span name, struct span text, bool is_open)
{
	features_put(f, (struct feature_value){ .name = name, .aspect = FEATURE_VALUE, .is_open = is_open, .text = text });
}

void features_text(struct features *f, struct span name, struct span text)
{
	features_number(f, name, FEATURE_BYTES, (double)text.len);
	if (text.len <= FEATURE_TEXT_MAX)
		put_text(f, name, text, false);
}

static bool path_bytes(struct feature_path *p, const void *bytes, size_t len)
{
	if (sizeof(p->text) - p->len <= len)
		return false;
	memcpy(p->text + p->len, bytes, len);
	p->len += len;
	return true;
}

bool feature_path_add(struct feature_path *p, struct span step)
{
	size_t before = p->len;
	bool fits = path_bytes(p, "/", 1);

	for (size_t i = 0; i < step.len && fits; i++) {
		if (step.at[i] == '~' || step.at[i] == '/')
			fits = path_bytes(p, step.at[i] == '~' ? "~0" : "~1", 2);
		else
			fits = path_bytes(p, &step.at[i], 1);
	}
	if (!fits)
		p->len = before;
	return fits;
}

/* ---- the head ---- */

static bool is_open_header(const struct features_options *set, struct span name)
{
	for (size_t i = 0; i < set->open_header_count; i++)
		if (span_equal_nocase(name, span_str(set->open_headers[i])))
			return true;
	return false;
}

static const struct known_header *know(struct features *f, struct span name, bool is_grpc)
{
	uint64_t hash = hash_bytes(&f->hash, name.at, name.len) * 2 + is_grpc;
	struct known_header *k = &f->known[(hash >> 8) % HEADERS_KNOWN];

	if (k->hash == hash)
		return k;
	k->hash = hash;
	k->is_open = is_open_header(&f->set, name);
	k->counts = k->is_open || (f->set.has_header && f->set.has_header(f->set.ctx, name, is_grpc));
	return k;
}

/** header_name() - "header:" and the name in small letters */
static struct span header_name(struct features *f, struct span name)
{
	char text[FEATURE_NAME_MAX], *at = PUT_LITERAL(text, HEADER);

	if (name.len >= FEATURE_NAME_MAX - sizeof(HEADER))
		return span_of(NULL, 0);
	for (size_t i = 0; i < name.len; i++)
		*at++ = (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]);
	return features_name(f, span_of(text, (size_t)(at - text)));
}

static void read_headers(struct features *f, const struct request_head *head)
{
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *h = &head->headers[i];
		const struct known_header *k = know(f, h->name, head->is_grpc);

		if (k->counts)
			put_text(f, header_name(f, h->name), h->value, k->is_open);
	}
}

/* A network is what a client changes seldom: 24 bits of IPv4, 56 of IPv6. */
static void read_client(struct features *f, const struct request_origin *origin)
{
	struct endpoint network = origin->proxied.family ? origin->proxied : origin->client;
	char text[ENDPOINT_TEXT_MAX + 8], *end;
	size_t from = f->texts.len;

	if (network.family != 4 && network.family != 6)
		return;
	if (network.family == 4)
		network.addr[15] = 0;
	else
		memset(network.addr + 7, 0, sizeof(network.addr) - 7);
	network.port = 0;
	end = endpoint_put(text, &network) - strlen(":0");
	end = network.family == 4 ? PUT_LITERAL(end, "/24") : PUT_LITERAL(end, "/56");
	buffer_add(&f->texts, text, (size_t)(end - text));
	put_text(f, SPAN_LITERAL("client"), span_of(f->texts.bytes + from, f->texts.len - from), false);
}

static int hour_of(struct wall t)
{
	int64_t hour = t.ns / (3600 * NS_PER_S) % 24;

	return (int)(hour < 0 ? hour + 24 : hour);
}

/** json_of() - what may be JSON of a body: with binary tensors behind, its head, which ends by itself */
static struct span json_of(const struct message *m)
{
	struct span body = span_of(m->body, m->body ? (size_t)m->body_len : 0);

	return begins_like_json(body) ? body : span_of("", 0);
}

const struct feature_value *features_read(struct features *f, const struct message *m, struct span path, struct span model,
					  size_t *count)
{
	struct span json = json_of(m);

	f->count = 0;
	buffer_clear(&f->names);
	buffer_clear(&f->texts);
	put_text(f, SPAN_LITERAL("path"), path, true);
	if (model.len > 0)
		put_text(f, SPAN_LITERAL("model"), model, true);
	read_client(f, &m->origin);
	features_number(f, SPAN_LITERAL("hour"), FEATURE_HOUR, hour_of(m->origin.ts_last));
	features_number(f, SPAN_LITERAL("body"), FEATURE_BYTES, (double)m->body_len);
	read_headers(f, &m->head);
	if (m->head.is_grpc)
		features_call(f, m);
	else if (json.len > 0)
		features_body(f, json);
	*count = f->count;
	return f->at;
}

struct features *features_new(const struct features_options *options)
{
	struct features *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->set = *options;
	f->hash = hash_key_random(); /* those who send requests choose names */
	if (buffer_reserve(&f->names, FEATURES_MAX * FEATURE_NAME_MAX) && buffer_reserve(&f->texts, TEXTS_MAX))
		return f;
	features_free(f);
	return NULL;
}

void features_free(struct features *f)
{
	if (!f)
		return;
	buffer_deinit(&f->names);
	buffer_deinit(&f->texts);
	free(f);
}
