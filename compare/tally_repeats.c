/*
 * tally_repeats.c - the same request again: does each side say the same as before?
 *
 * Theory of operation. What differs between two responses of one service to one
 * request is noise, whatever it is compared with. So the first response of each
 * side to a request is remembered by two hashes: of its bytes, and of what
 * counts of it. A table holds TALLY_REPEATS_MAX requests, the first that came;
 * of the rest it is only counted that they were not looked at. Responses are
 * hashed only for requests that have a place, so a long run of new ones costs
 * nothing here.
 */
#include "compare/tally_state.h"

#include <stdlib.h>
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
	return hash ? hash : 1;
}

static struct repeat *repeat_slot(struct target_tally *g, uint64_t request)
{
	const size_t slots = 2 * TALLY_REPEATS_MAX;
	size_t at = (size_t)request % slots;

	if (!g->repeats.table)
		g->repeats.table = calloc(slots, sizeof(*g->repeats.table));
	if (!g->repeats.table)
		return NULL;
	while (g->repeats.table[at].request != 0 && g->repeats.table[at].request != request)
		at = (at + 1) % slots;
	return &g->repeats.table[at];
}

void tally_add_repeat(struct target_tally *g, const struct pair *pair, const struct comparison *c, uint64_t request)
{
	struct repeat *r, now = { .request = request };
	bool same[SIDES];

	if (!pair->production || pair->production->result != RESPONSE_WHOLE || !pair->shadow ||
	    pair->shadow->result != RESPONSE_WHOLE)
		return;
	r = repeat_slot(g, request);
	if (!r || (r->request == 0 && g->repeats.count == TALLY_REPEATS_MAX)) {
		g->repeats.forgotten++;
		return;
	}
	for (enum side side = 0; side < SIDES; side++) {
		now.side[side].bytes = response_hash(side == PRODUCTION ? pair->production : pair->shadow);
		now.side[side].fingerprint = fingerprint_of(c, side);
	}
	if (r->request == 0) {
		*r = now;
		g->repeats.count++;
		return;
	}
	for (enum side side = 0; side < SIDES; side++) {
		same[side] = now.side[side].bytes == r->side[side].bytes;
		if (!same[side] && (now.side[side].fingerprint == 0 || r->side[side].fingerprint == 0)) {
			g->repeats.forgotten++; /* other bytes, and it is not known whether it matters */
			return;
		}
		same[side] = same[side] || now.side[side].fingerprint == r->side[side].fingerprint;
	}
	g->repeats.requests++;
	g->repeats.same_production += same[PRODUCTION];
	g->repeats.same_shadow += same[SHADOW];
}
