/*
 * tally_repeats.c - the same request again: does each side say the same as before?
 *
 * Theory of operation. What differs between two responses of one service to one
 * request is noise, whatever it is compared with. So the first response of each
 * side to a request is remembered by two hashes: of its bytes, and of what
 * counts of it. They lie with the sample of requests (first_pairs.h); of requests
 * that are not in it, it is only counted that they were not looked at. Their
 * responses are not hashed, so a long run costs less and less here.
 */
#include "compare/tally/tally_state.h"

#include <string.h>

/* The same on every tap: distinct requests are merged by these. */
static const struct hash_key request_key = { 0x7368616477746170, 0x72657175657374 };

uint64_t tally_request_hash(const struct message *m)
{
	uint64_t parts[3] = { hash_bytes(&request_key, m->head.target.at, m->head.target.len), m->body_len, 0 };

	if (m->body)
		parts[2] = hash_bytes(&request_key, m->body, (size_t)m->body_len);
	else if (m->has_sha256)
		parts[2] = hash_bytes(&request_key, m->body_sha256, sizeof(m->body_sha256));
	return hash_bytes(&request_key, parts, sizeof(parts));
}

static uint64_t response_hash(const struct response *r)
{
	uint64_t parts[2] = { hash_bytes(&request_key, r->body, (size_t)r->body_len), (uint64_t)r->status_code };

	return hash_bytes(&request_key, parts, sizeof(parts));
}

static uint64_t hash_more(uint64_t hash, const char *text)
{
	uint64_t parts[2] = { hash, hash_bytes(&request_key, text, strlen(text)) };

	return hash_bytes(&request_key, parts, sizeof(parts));
}

/**
 * fingerprint_of() - what counts of one side of a pair: what it decided, and what it says where the two differ
 *
 * A response that holds an id or the time never has the same bytes twice. What
 * rules ignore, or what is close, is in no finding that is looked at here. Not
 * known (0) where bodies were not compared.
 */
static uint64_t fingerprint_of(const struct comparison *c, enum side side)
{
	const struct findings *f = &c->findings;
	uint64_t hash = 1;

	if (c->verdict < COMPARISON_SCHEMA || c->verdict == COMPARISON_NOT_COMPARABLE)
		return 0;
	for (size_t i = 0; i < f->decision_count; i++)
		hash = hash_more(hash, side == PRODUCTION ? f->decisions[i].production : f->decisions[i].shadow);
	for (size_t i = 0; i < f->count; i++) {
		if (f->at[i].kind >= DIFFERENCE_CLOSE) /* or ignored */
			continue;
		hash = hash_more(hash, f->at[i].path);
		hash = hash_more(hash, side == PRODUCTION ? f->at[i].production : f->at[i].shadow);
	}
	return (uint32_t)hash ? hash : 1; /* of which 32 bits are kept */
}

/** answered() - what both sides say to the request this time */
static struct first_pair answered(const struct pair *pair, const struct comparison *c)
{
	struct first_pair now = { .responses = true };

	for (enum side side = 0; side < SIDES; side++) {
		const struct response *r = side == PRODUCTION ? pair->production : pair->shadow;

		now.side[side].fingerprint = (uint32_t)fingerprint_of(c, side);
		now.side[side].bytes = side == SHADOW && c->same_bytes && r->status_code == pair->production->status_code
					       ? now.side[PRODUCTION].bytes
					       : (uint32_t)response_hash(r);
	}
	return now;
}

void tally_add_repeat(struct target_tally *g, const struct pair *pair, const struct comparison *c, struct first_pair *first)
{
	struct first_pair now;
	bool same[SIDES];

	if (!pair->production || pair->production->result != RESPONSE_WHOLE || !pair->shadow ||
	    pair->shadow->result != RESPONSE_WHOLE)
		return;
	if (!first) {
		g->repeats.forgotten++;
		return;
	}
	now = answered(pair, c);
	if (!first->responses) {
		memcpy(first->side, now.side, sizeof(now.side));
		first->responses = true;
		return;
	}
	for (enum side side = 0; side < SIDES; side++) {
		same[side] = now.side[side].bytes == first->side[side].bytes;
		if (!same[side] && (now.side[side].fingerprint == 0 || first->side[side].fingerprint == 0)) {
			g->repeats.forgotten++; /* other bytes, and it is not known whether it matters */
			return;
		}
		same[side] = same[side] || now.side[side].fingerprint == first->side[side].fingerprint;
	}
	g->repeats.requests++;
	g->repeats.same_production += same[PRODUCTION];
	g->repeats.same_shadow += same[SHADOW];
}
