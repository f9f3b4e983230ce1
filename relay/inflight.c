/* inflight.c - see inflight.h */
#include "relay/inflight.h"

#include <stdlib.h>
#include <string.h>

#define OPEN RELAY_RESULT_COUNT

/** struct flight - one record, at its number modulo INFLIGHT_MAX */
struct flight {
	int64_t sent_ns;
	uint8_t partition, result; /* enum relay_result, or OPEN */
};

struct inflight {
	uint64_t next, open;
	uint64_t oldest; /* none before it is open */
	struct inflight_range refused[INFLIGHT_RANGES];
	size_t refused_count;
	struct flight ring[INFLIGHT_MAX];
};

static struct flight *flight_at(struct inflight *f, uint64_t number)
{
	return &f->ring[number % INFLIGHT_MAX];
}

struct inflight *inflight_new(void)
{
	return calloc(1, sizeof(struct inflight));
}

void inflight_free(struct inflight *f)
{
	free(f);
}

uint64_t inflight_next(const struct inflight *f)
{
	return f->next;
}

uint64_t inflight_open(const struct inflight *f)
{
	return f->open;
}

bool inflight_has_room(const struct inflight *f)
{
	return f->next - f->oldest < INFLIGHT_MAX;
}

uint64_t inflight_add(struct inflight *f, uint32_t partition, struct mono now)
{
	*flight_at(f, f->next) = (struct flight){ now.ns, (uint8_t)partition, OPEN };
	f->open++;
	return f->next++;
}

/** note_refused() - numbers come nearly in order: a range grows at its end, or a new one begins; the oldest goes */
static void note_refused(struct inflight *f, uint64_t number)
{
	struct inflight_range *last = f->refused_count ? &f->refused[f->refused_count - 1] : NULL;

	if (last && number == last->last + 1) {
		last->last = number;
		return;
	}
	if (f->refused_count == INFLIGHT_RANGES)
		memmove(f->refused, f->refused + 1, --f->refused_count * sizeof(f->refused[0]));
	f->refused[f->refused_count++] = (struct inflight_range){ number, number };
}

static void close_flight(struct inflight *f, uint64_t number, enum relay_result result)
{
	struct flight *at = flight_at(f, number);

	f->open -= at->result == OPEN;
	at->result = (uint8_t)result;
	if (relay_is_refused(result))
		note_refused(f, number);
	while (f->oldest < f->next && flight_at(f, f->oldest)->result != OPEN)
		f->oldest++;
}

enum inflight_change inflight_settle(struct inflight *f, uint64_t number, enum relay_result result, struct mono now,
				     int64_t *took_ns)
{
	struct flight *at = flight_at(f, number);
	bool was_open;

	if (number >= f->next || f->next - number > INFLIGHT_MAX || (at->result != OPEN && at->result != RELAY_UNKNOWN))
		return INFLIGHT_NOTHING;
	was_open = at->result == OPEN;
	*took_ns = now.ns - at->sent_ns;
	close_flight(f, number, result);
	return was_open ? INFLIGHT_SETTLED : INFLIGHT_LATE;
}

uint64_t inflight_expire(struct inflight *f, struct mono now, bool all)
{
	uint64_t count = 0;

	/* in the order of their numbers, they are in the order of their times */
	while (f->oldest < f->next && (all || now.ns - flight_at(f, f->oldest)->sent_ns >= RELAY_ACK_NS)) {
		count++;
		close_flight(f, f->oldest, RELAY_UNKNOWN);
	}
	return count;
}

uint64_t inflight_deny(struct inflight *f, uint32_t partition)
{
	uint64_t count = 0;

	for (uint64_t n = f->oldest, end = f->next; n < end; n++) {
		struct flight *at = flight_at(f, n);

		if (at->result == OPEN && at->partition == partition) {
			count++;
			close_flight(f, n, RELAY_REFUSED_DENIED);
		}
	}
	return count;
}

size_t inflight_refused(const struct inflight *f, struct inflight_range *out)
{
	memcpy(out, f->refused, f->refused_count * sizeof(*out));
	return f->refused_count;
}
