/* rounds.c - see rounds.h */
#include "http/http1/rounds.h"

enum requested rounds_request_unsent(struct rounds *r)
{
	return (enum requested)r->requested[--r->sent % OUTSTANDING_MAX];
}

void rounds_recount(struct rounds *r, uint64_t read)
{
	r->sent = rounds_answered_by(r, read);
	r->comparable = true;
}

void rounds_interim_started(struct rounds *r, uint64_t at, bool is_100)
{
	for (size_t i = INTERIMS_MAX - 1; i > 0; i--)
		r->interims[i] = r->interims[i - 1];
	r->interims[0] = (struct interim_start){ at, is_100 };
	r->interim_count += r->interim_count < INTERIMS_MAX;
}

void rounds_responses_lost(struct rounds *r)
{
	r->comparable = r->followed = r->followed_always = false;
	r->interim_count = 0;
}

uint32_t rounds_answered_by(const struct rounds *r, uint64_t read)
{
	uint32_t n = r->answered;

	for (int i = 0; i < STARTS_MAX && n > 0; i++, n--)
		if (r->starts[(n - 1) % STARTS_MAX].at < read)
			break;
	return n;
}

bool rounds_requests_read(const struct rounds *r, uint64_t read, uint64_t to)
{
	uint32_t n = rounds_answered_by(r, read);
	const struct response_start *last = &r->starts[(n - 1) % STARTS_MAX];

	return n > 0 && r->followed && (r->followed_always || last->at >= r->followed_from) &&
	       last->requests_read == to;
}

/** interim_read() - the last interim response of which the client had read something at @read, or NULL */
static const struct interim_start *interim_read(const struct rounds *r, uint64_t read)
{
	for (size_t i = 0; i < r->interim_count; i++)
		if (r->interims[i].at < read)
			return &r->interims[i];
	return NULL;
}

/** is_owed() - is @interim there, and did no final response of the first @answered start after it? */
static bool is_owed(const struct rounds *r, const struct interim_start *interim, uint32_t answered)
{
	return interim && (answered == 0 || r->starts[(answered - 1) % STARTS_MAX].at < interim->at);
}

bool rounds_final_owed(const struct rounds *r, uint64_t read)
{
	return is_owed(r, interim_read(r, read), rounds_answered_by(r, read));
}

bool rounds_interim_since(const struct rounds *r, uint64_t read, uint64_t since)
{
	const struct interim_start *interim = interim_read(r, read);

	return is_owed(r, interim, rounds_answered_by(r, read)) && interim->at >= since;
}

bool rounds_continued(const struct rounds *r, uint64_t since)
{
	const struct interim_start *last = &r->interims[0];

	return r->interim_count > 0 && last->is_100 && last->at >= since && is_owed(r, last, r->answered);
}

/** starts_at() - does the response that started at @start do so at @read, or behind an interim one that does? */
static bool starts_at(const struct rounds *r, uint64_t start, uint64_t read)
{
	if (start == read)
		return true;
	for (size_t i = 0; i < r->interim_count; i++)
		if (r->interims[i].at == read)
			return true;
	return false;
}

bool rounds_confirm(const struct rounds *r, uint64_t read, uint64_t start, uint64_t end)
{
	uint32_t n = rounds_answered_by(r, read);
	const struct response_start *next = &r->starts[n % STARTS_MAX];
	int32_t after = count_ahead(n, r->answered);

	return after > 0 && after < STARTS_MAX && rounds_requests_read(r, read, start) && next->requests_read == end &&
	       starts_at(r, next->at, read);
}
