/* examples.c - see examples.h */
#include "compare/tally/examples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"

/* The same on every tap, or the samples of two taps would not be one sample. */
static uint64_t lot(uint64_t id)
{
	static const struct hash_key key = { 0x7368616477746170, 0x6578616d706c6573 };

	return hash_bytes(&key, &id, sizeof(id));
}

/* Is example (severity, id) graver than @x? A total order: ids decide between equals. */
static bool is_graver(double severity, uint64_t id, const struct example *x)
{
	if (severity != x->severity)
		return severity > x->severity;
	return lot(id) < lot(x->id);
}

bool examples_want(const struct examples *e, enum comparison_verdict verdict, double severity, uint64_t id)
{
	size_t graver = 0, drawn = 0;

	if (verdict == COMPARISON_EQUAL)
		return false;
	for (size_t i = 0; i < e->count[verdict]; i++) {
		const struct example *x = e->kept[verdict][i];

		if (x->id == id) /* the same request again, as --loop sends it */
			return false;
		graver += !is_graver(severity, id, x);
		drawn += lot(x->id) < lot(id);
	}
	return graver < EXAMPLES_WORST || drawn < EXAMPLES_SAMPLED;
}

static int gravest_first(const void *a, const void *b)
{
	const struct example *x = *(struct example *const *)a, *y = *(struct example *const *)b;

	return x == y ? 0 : is_graver(x->severity, x->id, y) ? -1 : 1;
}

/* How many of the list were drawn before @x? */
static size_t lot_of(struct example *const *list, size_t count, const struct example *x)
{
	size_t before = 0;

	for (size_t i = 0; i < count; i++)
		before += lot(list[i]->id) < lot(x->id);
	return before;
}

void examples_put(struct examples *e, struct example *x)
{
	struct example **list = e->kept[x->verdict];
	size_t *count = &e->count[x->verdict];

	if (!examples_want(e, x->verdict, x->severity, x->id)) {
		example_free(x);
		return;
	}
	list[(*count)++] = x;
	qsort(list, *count, sizeof(*list), gravest_first);
	if (*count <= EXAMPLES_WORST)
		return;
	/* one came in, so at most one has to go: the least grave that is not among the drawn */
	for (size_t i = *count; i-- > EXAMPLES_WORST;)
		if (lot_of(list, *count, list[i]) >= EXAMPLES_SAMPLED) {
			example_free(list[i]);
			memmove(&list[i], &list[i + 1], (--*count - i) * sizeof(*list));
		}
}

static struct example *example_copy(const struct example *from)
{
	struct example *x = malloc(sizeof(*x));

	if (!x)
		return NULL;
	*x = *from;
	for (int b = 0; b < EXAMPLE_BODIES; b++)
		x->body[b] = from->body[b] ? strdup(from->body[b]) : NULL;
	for (int s = 0; s < 2; s++)
		x->texts.said[s] = from->texts.said[s] ? strdup(from->texts.said[s]) : NULL;
	return x;
}

int examples_merge(struct examples *into, const struct examples *from)
{
	for (int v = 0; v < COMPARISON_COUNT; v++)
		for (size_t i = 0; i < from->count[v]; i++) {
			struct example *x = example_copy(from->kept[v][i]);

			if (!x)
				return -ENOMEM;
			examples_put(into, x);
		}
	return 0;
}

void example_text(char *out, size_t size, struct span text)
{
	size_t at = 0;

	while (text.len > 0) {
		size_t len = utf8_length(text);
		struct span letter = len && text.at[0] ? span_of(text.at, len) : SPAN_LITERAL("\xef\xbf\xbd");

		if (at + letter.len >= size)
			break;
		memcpy(out + at, letter.at, letter.len);
		at += letter.len;
		span_skip(&text, len ? len : 1);
	}
	out[at] = '\0';
}

/* The first @max bytes as valid UTF-8. */
static char *beginning_of(struct span text, size_t max)
{
	char *out;
	size_t size;

	span_truncate(&text, max);
	size = 3 * text.len + 1; /* each byte may become U+FFFD */
	if (size > max + 1)
		size = max + 1;
	out = malloc(size);
	if (out)
		example_text(out, size, text);
	return out;
}

char *example_body(struct span body)
{
	return beginning_of(body, EXAMPLE_BODY_MAX);
}

char *example_said(struct span text)
{
	return beginning_of(text, EXAMPLE_SAID_MAX);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Where a letter begins, at @at or a little later. */
static uint64_t letter_at(struct span text, uint64_t at)
{
	while (at < text.len && (text.at[at] & 0xc0) == 0x80)
		at++;
	return at;
}

void example_say(struct example_texts *t, struct span production, struct span shadow, uint64_t same)
{
	const struct span texts[2] = { production, shadow };

	*t = (struct example_texts){ .same = same, .len = { production.len, shadow.len } };
	for (uint64_t i = 1; i < same; i++) /* a word is whole when a blank follows */
		t->same_words += is_blank(production.at[i]) && !is_blank(production.at[i - 1]);
	t->from = same > EXAMPLE_SAID_BEFORE ? letter_at(production, same - EXAMPLE_SAID_BEFORE) : 0;
	for (int s = 0; s < 2; s++)
		t->said[s] = example_said(span_of(texts[s].at + t->from, texts[s].len - t->from));
}

void example_free(struct example *x)
{
	if (!x)
		return;
	for (int b = 0; b < EXAMPLE_BODIES; b++)
		free(x->body[b]);
	free(x->texts.said[0]);
	free(x->texts.said[1]);
	free(x);
}

void examples_deinit(struct examples *e)
{
	for (int v = 0; v < COMPARISON_COUNT; v++) {
		for (size_t i = 0; i < e->count[v]; i++)
			example_free(e->kept[v][i]);
		e->count[v] = 0;
	}
}
