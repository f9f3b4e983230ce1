/*
 * path_rules.c - see path_rules.h
 *
 * Theory of operation: presets, the file and the options become one list of
 * rules in the order of their weight, their patterns one automaton
 * (path_automaton.c). What holds in a state is worked out once, when everything
 * is known: the rules that end there one after the other, and for the values
 * the last rule that came down from above. While documents are compared a place
 * costs a look-up and nothing is allocated.
 *
 * Which rules have ever ended at a place of a document is a flag of each, set
 * through a flag of the state, so that a state costs that only once.
 */
#include "compare/rules/path_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json_doc.h"
#include "base/lines.h"
#include "base/shown.h"
#include "base/units.h"
#include "compare/rules/path_automaton.h"
#include "compare/rules/path_presets.h"

#define RULES_MAX 4096
#define PATTERN_MAX 1024 /* bytes */
#define SHOWN_MAX 80 /* bytes of a user's text in a message */

/** struct path_rule - @pattern: its text as given; @line: 0 for an option or a preset */
struct path_rule {
	enum rule_word word;
	struct rule_parameters given;
	const char *pattern, *origin;
	const char *label; /* of ignore and set: how a report names it */
	unsigned line;
	bool preset, matched;
	size_t first_step, step_count;
};

struct path_rules {
	struct path_rule *rules;
	size_t count, cap, pending;
	struct pattern_step *steps;
	size_t step_count, step_cap;
	char **texts; /* everything that was copied */
	size_t text_count, text_cap;
	struct automaton automaton;
	struct rule_effect *effects; /* of each state */
	bool *marked;
	bool decides, measures, label_maps;
	struct buffer scratch;
};

/** keep_text() - a copy that lives as long as the rules, with a NUL behind it; NULL when out of memory */
static char *keep_text(struct path_rules *r, struct span text)
{
	char *copy = malloc(text.len + 1);

	if (!copy || !array_room((void **)&r->texts, &r->text_cap, r->text_count, sizeof(*r->texts))) {
		free(copy);
		return NULL;
	}
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	r->texts[r->text_count++] = copy;
	return copy;
}

/** struct source - where a rule comes from, for messages: "rules.txt:3" or "--ignore" */
struct source {
	const char *name;
	unsigned line; /* 0: an option */
	struct buffer *error;
};

static int complain(const struct source *from, struct span what, const char *problem)
{
	if (from->line)
		buffer_printf(from->error, "%s:%u: ", from->name, from->line);
	else
		buffer_printf(from->error, "%s ", from->name);
	span_truncate(&what, SHOWN_MAX);
	buffer_printf(from->error, "'%.*s': %s", (int)what.len, (const char *)what.at, problem);
	return -EINVAL;
}

/** take_step() - one step of a pattern, without the / before it */
static int take_step(struct path_rules *r, struct span text, const struct source *from, struct span whole)
{
	struct pattern_step step = { .kind = STEP_KEY };
	char *key;
	size_t len = 0;

	if (!array_room((void **)&r->steps, &r->step_cap, r->step_count, sizeof(*r->steps)))
		return -ENOMEM;
	if (span_equal(text, SPAN_LITERAL("*"))) {
		step.kind = STEP_ANY;
	} else if (span_equal(text, SPAN_LITERAL("**"))) {
		step.kind = STEP_DEEP;
	} else {
		key = keep_text(r, text);
		if (!key)
			return -ENOMEM;
		for (size_t i = 0; i < text.len; i++) {
			uint8_t c = text.at[i], next = i + 1 < text.len ? text.at[i + 1] : 0;

			if (c == '*')
				return complain(from, whole,
						"* stands for a whole step; write /* between slashes, or ~2 "
						"for the character");
			if (c == '~') {
				if (next < '0' || next > '2')
					return complain(from, whole,
							"~ is followed by 0 (for ~), 1 (for /) or 2 (for *)");
				c = (uint8_t) "~/*"[next - '0'];
				i++;
			}
			key[len++] = (char)c;
		}
		step.key = span_of(key, len);
	}
	r->steps[r->step_count++] = step;
	return 0;
}

static int take_pattern(struct path_rules *r, struct span text, const struct source *from,
			struct path_rule *rule)
{
	struct span left = text, slash;
	int result;

	if (text.len > PATTERN_MAX)
		return complain(from, text, "a pattern has at most 1024 bytes");
	if (text.len && text.at[0] != '/')
		return complain(from, text,
				"a pattern begins with /; write /name for a member of the answer, /**/name for "
				"one at any depth");
	rule->pattern = keep_text(r, text);
	if (!rule->pattern)
		return -ENOMEM;
	rule->first_step = r->step_count;
	while (span_take(&left, 1, &slash)) {
		const uint8_t *end = left.len ? memchr(left.at, '/', left.len) : NULL;
		struct span step = { 0 };

		span_take(&left, end ? (size_t)(end - left.at) : left.len, &step);
		result = take_step(r, step, from, text);
		if (result < 0)
			return result;
	}
	rule->step_count = r->step_count - rule->first_step;
	return 0;
}

/** name_rule() - a label for what leaves something out; NULL when out of memory */
static const char *name_rule(struct path_rules *r, const struct path_rule *rule)
{
	struct buffer text = { 0 };
	char *label;

	buffer_add_str(&text, rule->origin);
	if (rule->line)
		buffer_printf(&text, ":%u", rule->line);
	else if (!rule->preset)
		buffer_printf(&text, " %s", rule->pattern);
	label = buffer_ok(&text) ? keep_text(r, buffer_span(&text)) : NULL;
	buffer_deinit(&text);
	return label;
}

static int add_rule(struct path_rules *r, struct path_rule *rule, const struct source *from)
{
	if (r->count == RULES_MAX)
		return complain(from, span_str(rule->pattern),
				"there are more than 4096 rules; say more with * and **");
	if (!array_room((void **)&r->rules, &r->cap, r->count, sizeof(*r->rules)))
		return -ENOMEM;
	rule->line = from->line;
	if (rule->word == RULE_IGNORE || rule->word == RULE_SET) {
		rule->label = name_rule(r, rule);
		if (!rule->label)
			return -ENOMEM;
	}
	rule->matched = rule->preset;
	r->pending += !rule->preset;
	r->decides |= rule->word == RULE_ARGMAX || rule->word == RULE_TOPK;
	r->measures |= rule->given.output.kind != OUTPUT_NONE;
	r->rules[r->count++] = *rule;
	return 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct span *line)
{
	while (line->len && is_blank(line->at[0]))
		span_skip(line, 1);
}

/** take_word() - up to the next blank; empty at the end of the line or a comment */
static struct span take_word(struct span *line)
{
	struct span word;
	size_t len = 0;

	skip_blanks(line);
	if (line->len && line->at[0] == '#')
		span_truncate(line, 0);
	while (len < line->len && !is_blank(line->at[len]))
		len++;
	span_take(line, len, &word);
	return word;
}

/** take_quoted() - a pattern in quotes, copied without them */
static int take_quoted(struct path_rules *r, struct span *line, const struct source *from, struct span *out)
{
	struct span whole = *line;
	char *text = keep_text(r, *line);
	size_t len = 0;
	uint8_t c;

	if (!text)
		return -ENOMEM;
	span_skip(line, 1);
	while (span_u8(line, &c)) {
		if (c == '"') {
			*out = span_of(text, len);
			return 0;
		}
		if (c == '\\' && !span_u8(line, &c))
			break;
		text[len++] = (char)c;
	}
	return complain(from, whole, "the quote is not closed");
}

/** take_parameters() - what follows the word */
static int take_parameters(struct path_rules *r, struct span *line, const struct source *from,
			   struct path_rule *rule)
{
	struct span word;

	for (word = take_word(line); word.len; word = take_word(line)) {
		const char *text = keep_text(r, word);

		if (!text)
			return -ENOMEM;
		if (!rule_parameter_take(rule->word, text, &rule->given))
			return complain(from, word, rule_parameter_hint(rule->word));
	}
	if (rule->word == RULE_TOPK && rule->given.k == 0)
		return complain(from, SPAN_LITERAL("topk"), "how many? Write topk k=5");
	return 0;
}

static int take_line(struct path_rules *r, struct span line, const struct tolerance *defaults, bool preset,
		     const struct source *from)
{
	struct path_rule rule = { .origin = from->name, .preset = preset };
	struct span pattern, word;
	int result;

	skip_blanks(&line);
	if (line.len == 0 || line.at[0] == '#')
		return 0;
	if (line.at[0] == '"') {
		result = take_quoted(r, &line, from, &pattern);
		if (result < 0)
			return result;
	} else {
		pattern = take_word(&line);
	}
	result = take_pattern(r, pattern, from, &rule);
	if (result < 0)
		return result;
	word = take_word(&line);
	rule.word = rule_word_find(word);
	if (rule.word == RULE_WORD_COUNT) {
		char problem[160];

		snprintf(problem, sizeof(problem), "after the pattern comes %s", rule_word_list());
		return complain(from, word.len ? word : pattern, problem);
	}
	rule.given = rule_parameters_of(rule.word, defaults);
	rule.given.output.preset = preset;
	result = take_parameters(r, &line, from, &rule);
	return result < 0 ? result : add_rule(r, &rule, from);
}

static int take_file(struct path_rules *r, const struct path_rules_options *o, struct buffer *error)
{
	struct source from = { o->name ? o->name : "rules", 0, error };
	struct span left = o->text, line;
	int result = 0;

	if (!keep_text(r, span_str(from.name)))
		return -ENOMEM;
	from.name = r->texts[r->text_count - 1];
	while (result == 0 && line_take(&left, &line)) {
		from.line++;
		result = take_line(r, line, &o->tolerance, false, &from);
	}
	return result;
}

static int take_list(struct path_rules *r, const char *const *patterns, size_t count, enum rule_word word,
		     const char *origin, bool preset, struct buffer *error)
{
	struct source from = { origin, 0, error };
	int result = 0;

	for (size_t i = 0; result == 0 && i < count; i++) {
		struct path_rule rule = { .word = word, .preset = preset, .origin = from.name };

		result = take_pattern(r, span_str(patterns[i]), &from, &rule);
		if (result == 0)
			result = add_rule(r, &rule, &from);
	}
	return result;
}

/** take_preset() - what the server that the user named varies in for no reason, and which outputs it answers with */
static int take_preset(struct path_rules *r, const char *name, const struct tolerance *defaults, struct buffer *error)
{
	const struct path_preset *preset = path_preset_find(name);
	struct source from = { NULL, 0, error };
	struct buffer origin = { 0 };
	int result;

	if (!preset) {
		buffer_printf(error,
			      "--preset '%.*s': there is no such preset; use v2, tfserving, torchserve, openai, tei, "
			      "mlflow or any",
			      SHOWN_MAX, name);
		return -EINVAL;
	}
	r->label_maps = strcmp(name, "torchserve") == 0;
	buffer_printf(&origin, "--preset %s", name);
	if (buffer_ok(&origin))
		from.name = keep_text(r, buffer_span(&origin));
	buffer_deinit(&origin);
	if (!from.name)
		return -ENOMEM;
	result = take_list(r, preset->patterns, preset->count, RULE_IGNORE, from.name, true, error);
	for (size_t i = 0; result == 0 && i < preset->output_count; i++)
		result = take_line(r, span_str(preset->outputs[i]), defaults, true, &from);
	return result;
}

static int take_all(struct path_rules *r, const struct path_rules_options *o, struct buffer *error)
{
	int result = o->preset ? take_preset(r, o->preset, &o->tolerance, error) : 0;

	if (result == 0)
		result = take_file(r, o, error);
	if (result == 0)
		result = take_list(r, o->ignore, o->ignore_count, RULE_IGNORE, "--ignore", false, error);
	if (result == 0)
		result = take_list(r, o->unordered, o->unordered_count, RULE_SET, "--unordered", false, error);
	return result;
}

static bool holds_below(enum rule_word word)
{
	return word != RULE_IGNORE && word != RULE_SET && word != RULE_COSINE && word != RULE_RANK &&
	       word != RULE_REGRESSION && word != RULE_BOXES;
}

static int make_automaton(struct path_rules *r, struct buffer *error)
{
	struct pattern *patterns = calloc(r->count + 1, sizeof(*patterns));
	int result;

	if (!patterns)
		return -ENOMEM;
	for (size_t i = 0; i < r->count; i++) {
		const struct path_rule *rule = &r->rules[i];

		patterns[i] = (struct pattern){ .steps = r->steps + rule->first_step,
						.count = rule->step_count,
						.below = holds_below(rule->word),
						.stops = rule->word == RULE_IGNORE };
	}
	result = automaton_init(&r->automaton, patterns, r->count);
	free(patterns);
	if (result != -E2BIG)
		return result;
	buffer_add_str(error,
		       "the rules are too many and too general together; use fewer ** in their patterns");
	return -EINVAL;
}

static struct rule_effect effect_of(const struct path_rules *r, const struct automaton_state *s,
				    const struct tolerance *defaults)
{
	static const uint8_t values[] = { [RULE_EXACT] = VALUES_EXACT,
					  [RULE_NUM] = VALUES_NUMBER,
					  [RULE_TEXT] = VALUES_WORDS,
					  [RULE_ARGMAX] = VALUES_SCORES,
					  [RULE_TOPK] = VALUES_SCORES };
	struct rule_effect e = { .values = VALUES_CLOSE, .tolerance = *defaults };

	if (s->below != NO_PATTERN) {
		const struct path_rule *rule = &r->rules[s->below];

		e.values = values[rule->word];
		e.tolerance = rule->given.tolerance;
	}
	for (size_t i = 0; i < s->end_count; i++) {
		uint32_t n = r->automaton.ends[s->ends + i];
		const struct path_rule *rule = &r->rules[n];

		e.ignore = rule->word == RULE_IGNORE;
		e.ignored_by = e.ignore ? rule->label : NULL;
		e.unordered |= rule->word == RULE_SET;
		if (rule->word == RULE_SET)
			e.unordered_by = rule->label;
		if (n == s->below && e.values == VALUES_SCORES) {
			e.decision = true;
			e.top = rule->word == RULE_TOPK ? (uint32_t)rule->given.k : 1;
		}
		if (rule->given.output.kind != OUTPUT_NONE && (s->below == NO_PATTERN || n > s->below)) {
			e.output = rule->given.output;
			e.decision = false;
		}
	}
	return e;
}

static int work_out_effects(struct path_rules *r, const struct tolerance *defaults)
{
	size_t count = r->automaton.state_count;

	r->effects = calloc(count, sizeof(*r->effects));
	r->marked = calloc(count, sizeof(*r->marked));
	if (!r->effects || !r->marked)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		r->effects[i] = effect_of(r, &r->automaton.states[i], defaults);
	return 0;
}

int path_rules_new(const struct path_rules_options *o, struct path_rules **out, struct buffer *error)
{
	struct path_rules *r = calloc(1, sizeof(*r));
	int result = -ENOMEM;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	result = take_all(r, o, error);
	if (result == 0)
		result = make_automaton(r, error);
	if (result == 0)
		result = work_out_effects(r, &o->tolerance);
	if (result < 0)
		path_rules_free(r);
	else
		*out = r;
	return result;
}

void path_rules_free(struct path_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->text_count; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->rules);
	free(r->steps);
	automaton_deinit(&r->automaton);
	free(r->effects);
	free(r->marked);
	buffer_deinit(&r->scratch);
	free(r);
}

uint32_t path_rules_key(struct path_rules *r, uint32_t state, struct span key, bool escaped)
{
	if (r->automaton.states[state].edge_count == 0)
		return r->automaton.states[state].other;
	if (escaped) {
		buffer_clear(&r->scratch);
		json_unescape(key, &r->scratch);
		key = buffer_span(&r->scratch);
	}
	return automaton_step(&r->automaton, state, key);
}

uint32_t path_rules_index(struct path_rules *r, uint32_t state, uint32_t index)
{
	char digits[10];
	size_t at = sizeof(digits);

	if (!r->automaton.states[state].indices)
		return r->automaton.states[state].other;
	do
		digits[--at] = (char)('0' + index % 10);
	while (index /= 10);
	return automaton_step(&r->automaton, state, span_of(digits + at, sizeof(digits) - at));
}

bool path_rules_each(const struct path_rules *r, uint32_t state)
{
	return !r->automaton.states[state].indices;
}

bool path_rules_inert(const struct path_rules *r, uint32_t state)
{
	return r->automaton.states[state].edge_count == 0 && r->automaton.states[state].other == state;
}

const struct rule_effect *path_rules_effect(const struct path_rules *r, uint32_t state)
{
	return &r->effects[state];
}

bool path_rules_decides(const struct path_rules *r)
{
	return r->decides;
}

bool path_rules_measures(const struct path_rules *r)
{
	return r->measures;
}

bool path_rules_label_maps(const struct path_rules *r)
{
	return r->label_maps;
}

void path_rules_mark(struct path_rules *r, uint32_t state)
{
	const struct automaton_state *s = &r->automaton.states[state];

	if (r->marked[state])
		return;
	r->marked[state] = true;
	for (size_t i = 0; i < s->end_count; i++) {
		struct path_rule *rule = &r->rules[r->automaton.ends[s->ends + i]];

		r->pending -= !rule->matched;
		rule->matched = true;
	}
}

size_t path_rules_pending(const struct path_rules *r)
{
	return r->pending;
}

void path_rules_unmatched(const struct path_rules *r, struct buffer *out)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct path_rule *rule = &r->rules[i];

		if (rule->matched)
			continue;
		if (rule->line)
			buffer_printf(out, "%s:%u: ", rule->origin, rule->line);
		else
			buffer_printf(out, "%s ", rule->origin);
		shown_add(out, span_str(rule->pattern));
		buffer_printf(out, rule->line ? " %s\n" : "\n", rule_word_name(rule->word));
	}
}
