/* body_pace.c - see body_pace.h */
#include "replay/body_pace.h"

static bool is_paced(const struct message *m, double speed)
{
	return m->arrival_count > 0 && speed > 0;
}

static int64_t scaled_ns(int64_t ns, double speed)
{
	double scaled = (double)ns / speed;

	return scaled > 0 ? scaled < (double)(INT64_MAX / 4) ? (int64_t)scaled : INT64_MAX / 4 : 0;
}

int64_t body_pace_length_ns(const struct message *m, double speed)
{
	return is_paced(m, speed) ? scaled_ns(wall_between(m->origin.ts_first, m->origin.ts_last), speed) : 0;
}

static struct mono due_at(const struct body_pace *p, const struct message *m, double speed, uint32_t i)
{
	return (struct mono){ p->began.ns + scaled_ns(m->arrivals[i].us * NS_PER_US, speed) };
}

struct mono body_pace_due(struct body_pace *p, const struct message *m, double speed, struct mono now, uint64_t *upto)
{
	*upto = m->body_len;
	if (!is_paced(m, speed))
		return p->began;
	for (; p->next < m->arrival_count; p->next++) {
		struct mono due = due_at(p, m, speed, p->next);

		if (due.ns > now.ns) {
			*upto = m->arrivals[p->next].offset;
			return due;
		}
	}
	return (struct mono){ p->began.ns + body_pace_length_ns(m, speed) };
}
