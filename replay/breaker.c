/* breaker.c - see breaker.h */
#include "replay/breaker.h"

void breaker_init(struct breaker *b, uint32_t limit)
{
	*b = (struct breaker){ .state = BREAKER_CLOSED, .limit = limit };
}

bool breaker_sheds(const struct breaker *b, struct mono now)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		return false;
	case BREAKER_OPEN:
		return now.ns < b->retry_at.ns;
	case BREAKER_PROBING:
		return true;
	}
	return false;
}

void breaker_probe(struct breaker *b)
{
	b->state = BREAKER_PROBING;
}

static void open_for(struct breaker *b, int64_t backoff_ns, struct mono now)
{
	b->state = BREAKER_OPEN;
	b->backoff_ns = backoff_ns < BREAKER_BACKOFF_MAX_NS ? backoff_ns : BREAKER_BACKOFF_MAX_NS;
	b->retry_at.ns = now.ns + b->backoff_ns;
}

bool breaker_failed(struct breaker *b, struct mono now)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		if (b->limit == 0 || ++b->failures < b->limit)
			return false;
		open_for(b, BREAKER_BACKOFF_FIRST_NS, now);
		return true;
	case BREAKER_OPEN:
		/* An exchange that began before the breaker opened: it says nothing new. */
		return false;
	case BREAKER_PROBING:
		open_for(b, 2 * b->backoff_ns, now);
		return false;
	}
	return false;
}

void breaker_succeeded(struct breaker *b)
{
	b->state = BREAKER_CLOSED;
	b->failures = 0;
}

const char *breaker_state_name(const struct breaker *b)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		return "closed";
	case BREAKER_OPEN:
		return "open";
	case BREAKER_PROBING:
		return "probing";
	}
	return "closed";
}
