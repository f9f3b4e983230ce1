/* slo.c - see slo.h */
#include "compare/slo.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"

static const struct {
	const char *name;
	double share;
} times[] = {
#define X(id, name, share) { name, share },
	SLO_TIMES(X)
#undef X
};

static int complain(struct buffer *error, struct span at, const char *what)
{
	buffer_add_str(error, what);
	if (at.len > 0)
		buffer_printf(error, " (at \"%.*s\")", (int)(at.len < 80 ? at.len : 80), (const char *)at.at);
	else
		buffer_add_str(error, " (at its end)");
	return -EINVAL;
}

static void skip_blanks(struct span *in)
{
	while (in->len > 0 && (in->at[0] == ' ' || in->at[0] == '\t'))
		span_skip(in, 1);
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static struct span take_word(struct span *in)
{
	struct span word;
	size_t len = 0;

	skip_blanks(in);
	while (len < in->len && is_word(in->at[len]))
		len++;
	span_take(in, len, &word);
	return word;
}

static bool take_mark(struct span *in, const char *mark)
{
	skip_blanks(in);
	return span_starts(*in, span_str(mark)) && span_skip(in, strlen(mark));
}

static bool has_unit(struct span text)
{
	return text.len > 0 && text.at[text.len - 1] >= 'a';
}

static bool parse_limit(struct span word, int64_t *ns)
{
	char text[32];

	if (!has_unit(word) || word.len >= sizeof(text))
		return false;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	return parse_duration(text, ns) && *ns > 0;
}

static int parse_term(struct span *in, struct slo *out, struct buffer *error)
{
	struct span at, word;
	enum slo_time time = 0;

	if (out->term_count == SLO_TERMS_MAX)
		return complain(error, *in, "there are more than 8 terms");
	skip_blanks(in);
	at = *in;
	word = take_word(in);
	while (time < SLO_TIME_COUNT && !span_equal(word, span_str(times[time].name)))
		time++;
	if (time == SLO_TIME_COUNT)
		return complain(error, at, "a time is expected: first_byte, total, first_token, second_token, gap_p50, gap_p90, "
					   "gap_p99 or gap_max");
	out->term[out->term_count].time = time;
	out->term[out->term_count].or_equal = take_mark(in, "<=");
	if (!out->term[out->term_count].or_equal && !take_mark(in, "<"))
		return complain(error, *in, "< or <= is expected");
	skip_blanks(in);
	at = *in;
	if (!parse_limit(take_word(in), &out->term[out->term_count].limit_ns))
		return complain(error, at, "a time with its unit, such as 500ms, is expected");
	out->term_count++;
	return 0;
}

int slo_parse(struct span text, struct slo *out, struct buffer *error)
{
	struct span in = text;
	int err;

	*out = (struct slo){ 0 };
	if (text.len >= SLO_TEXT)
		return complain(error, text, "it is longer than 127 bytes");
	do
		err = parse_term(&in, out, error);
	while (err == 0 && span_equal(take_word(&in), SPAN_LITERAL("and")));
	if (err == 0 && in.len > 0)
		err = complain(error, in, "and, or the end is expected");
	if (err == 0 && text.len > 0)
		memcpy(out->text, text.at, text.len);
	return err;
}

static bool is_within(int64_t us, int64_t limit_ns, bool or_equal)
{
	return or_equal ? us * 1000 <= limit_ns : us * 1000 < limit_ns;
}

/** gaps_meet() - is at least a share @share of the gaps within the limit? */
static enum slo_met gaps_meet(const struct stream_facts *f, double share, int64_t limit_ns, bool or_equal)
{
	size_t within = 0;

	if (f->events == 0 || f->first_token_us < 0)
		return SLO_UNKNOWN;
	for (size_t i = 0; i < f->gap_count; i++)
		within += is_within(f->gaps_us[i], limit_ns, or_equal);
	return (double)within >= ceil(share * (double)f->gap_count) ? SLO_MET : SLO_MISSED;
}

static enum slo_met time_meets(int64_t us, int64_t limit_ns, bool or_equal)
{
	if (us < 0)
		return SLO_UNKNOWN;
	return is_within(us, limit_ns, or_equal) ? SLO_MET : SLO_MISSED;
}

static enum slo_met term_met(enum slo_time time, const struct response *r, const struct stream_facts *f, int64_t limit_ns,
			     bool or_equal)
{
	switch (time) {
	case SLO_FIRST_BYTE:
		return time_meets(r->first_byte_us, limit_ns, or_equal);
	case SLO_TOTAL:
		return time_meets(r->last_byte_us, limit_ns, or_equal);
	case SLO_FIRST_TOKEN:
		return time_meets(f->first_token_us, limit_ns, or_equal);
	case SLO_SECOND_TOKEN:
		if (f->gap_count > 0)
			return time_meets(f->gaps_us[0], limit_ns, or_equal);
		return gaps_meet(f, 1, limit_ns, or_equal);
	case SLO_GAP_P50:
	case SLO_GAP_P90:
	case SLO_GAP_P99:
	case SLO_GAP_MAX:
	case SLO_TIME_COUNT:
		break;
	}
	return gaps_meet(f, times[time].share, limit_ns, or_equal);
}

enum slo_met slo_meets(const struct slo *s, const struct response *r, const struct stream_facts *f)
{
	enum slo_met all = SLO_MET;

	for (size_t i = 0; i < s->term_count && all != SLO_MISSED; i++) {
		enum slo_met one = term_met(s->term[i].time, r, f, s->term[i].limit_ns, s->term[i].or_equal);

		if (one != SLO_MET)
			all = one;
	}
	return all;
}
