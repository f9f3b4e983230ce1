/* heartbeat_text.c - see heartbeat_text.h */
#include "relay/heartbeat_text.h"

#include <string.h>

#include "base/json.h"

static const char *const shed_names[] = {
#define X(id, name) name,
	RELAY_SHEDS(X)
#undef X
};

static const struct {
	const char *group, *name;
} result_names[] = {
#define X(id, group, name) { group, name },
	RELAY_RESULTS(X)
#undef X
};

static void sheds(struct json *j, const struct relay_stats *s)
{
	json_key(j, "shed");
	json_open(j, '{');
	for (size_t i = 0; i < RELAY_SHED_COUNT; i++)
		json_count(j, shed_names[i], counter_get(&s->relay_shed[i]));
	json_close(j, '}');
}

/* Neighbours of one group are in one object. */
static void results(struct json *j, const struct relay_stats *s)
{
	const char *group = NULL;

	for (size_t i = 0; i < RELAY_RESULT_COUNT; i++) {
		if (group && (!result_names[i].name || strcmp(group, result_names[i].group) != 0)) {
			json_close(j, '}');
			group = NULL;
		}
		if (result_names[i].name && !group) {
			group = result_names[i].group;
			json_key(j, group);
			json_open(j, '{');
		}
		json_count(j, result_names[i].name ? result_names[i].name : result_names[i].group,
			   counter_get(&s->relay_result[i]));
	}
	if (group)
		json_close(j, '}');
}

static void ranges(struct json *j, const struct heartbeat_facts *f)
{
	json_key(j, "refused_sequences");
	json_open(j, '[');
	for (size_t i = 0; i < f->refused_count; i++) {
		json_open(j, '[');
		json_uint(j, f->refused[i].first);
		json_uint(j, f->refused[i].last);
		json_close(j, ']');
	}
	json_close(j, ']');
}

void heartbeat_text(const struct heartbeat_facts *f, struct buffer *out)
{
	struct json j = json_to(out);
	char time[TIME_TEXT_MAX];

	json_open(&j, '{');
	json_count(&j, "next_sequence", f->next_sequence);
	json_key(&j, "final");
	json_bool(&j, f->is_final);
	json_key(&j, "clock");
	json_str(&j, time_text(f->clock, time));
	json_key(&j, "relay");
	json_open(&j, '{');
	json_count(&j, "offered", counter_get(&f->stats->offered));
	sheds(&j, f->stats);
	json_count(&j, "published", counter_get(&f->stats->published));
	results(&j, f->stats);
	json_close(&j, '}');
	ranges(&j, f);
	if (f->members.len > 0) {
		buffer_add_str(out, ",");
		buffer_add_span(out, f->members);
	}
	json_close(&j, '}');
}
