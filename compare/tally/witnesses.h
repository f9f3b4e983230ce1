/*
 * witnesses.h - as how many independent pairs do the pairs of a target count?
 *
 * Theory of operation. An interval that takes n pairs for n witnesses is too narrow if pairs come in groups that fare
 * alike: one request again and again, one client whose inputs are all of one kind. How much too narrow is the design
 * effect: the variance of the share of mismatches over that of as many independent pairs. It is measured by random
 * groups: pairs are dealt into 256 buckets by a hash of the request, so that pairs of one request lie in one bucket, and
 * the buckets differ from each other as much as independent groups do. The same by the client's address, and by the
 * connection. The worst of the three counts, and none is below 1 or told from 1 where chance would do: n pairs count as
 * n / effect witnesses, and intervals are made of these.
 *
 * How much a measurement is worth depends on the mismatches: it is mostly too low if fewer than 30 buckets have any, or
 * if a few groups outweigh the others, so that it hangs on these (of groups of one size, fewer than 30 would have any).
 * Then the size bound takes its place, which is the effect if pairs of a group all fare alike: sum(m^2) / n over groups
 * of m pairs. Of requests that is near the truth, for a model answers one request in one way.
 * Of clients and connections it is taken only if the mismatches fall together more than chance would have it. Without
 * that, a service behind three proxies, or a recording of one client, had three witnesses or one, whatever it was asked.
 * So where nothing differs, clients say nothing, and whether the next client fares as these did is not told.
 *
 * The sum of squares over groups follows from that over the buckets, into which a hash deals the groups (Alon, Matias
 * and Szegedy, 1996; Thorup and Zhang, 2004): the standard error is at most 9 %. How many clients there were, from the
 * buckets that stayed empty (Whang et al., "linear counting", 1990).
 * Sources: Wolter, "Introduction to Variance Estimation" (1985), chapter 2 (random groups); Kish (see statistics.h).
 */
#ifndef COMPARE_TALLY_WITNESSES_H
#define COMPARE_TALLY_WITNESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "message/message.h"

#define WITNESS_BUCKETS  256
#define WITNESS_MEASURED 30   /* buckets with a mismatch from which on an effect is measured */
#define WITNESS_TOLD     1000 /* more clients or connections than this are not told apart */

/* By what pairs fall into groups; WITNESS_PAIRS: each pair is its own. */
enum witness_kind { WITNESS_REQUESTS, WITNESS_CLIENTS, WITNESS_CONNECTIONS, WITNESS_KINDS, WITNESS_PAIRS = WITNESS_KINDS };

/* Of pairs that were compared; @generated: of the mismatches, those of nothing but a language model's words. */
struct witness_bucket {
	uint64_t pairs, mismatch, generated;
};

/** struct witnesses - zero is empty; 18 KiB, and added up bucket by bucket */
struct witnesses {
	struct witness_bucket bucket[WITNESS_KINDS][WITNESS_BUCKETS];
};

/** struct witness_groups - to which groups a pair belongs: hashes that are the same on every tap */
struct witness_groups {
	uint64_t hash[WITNESS_KINDS];
};

/** witness_groups_of() - @request: the hash of the request */
struct witness_groups witness_groups_of(const struct request_origin *origin, uint64_t request);

/** witnesses_add() - a pair that was compared */
void witnesses_add(struct witnesses *w, const struct witness_groups *groups, bool mismatch, bool generated);

void witnesses_merge(struct witnesses *into, const struct witnesses *from);

/** struct witness_effect - what follows */
struct witness_effect {
	double deff;          /* at least 1 */
	enum witness_kind by; /* of what groups that is */
};

/**
 * witness_effect() - the design effect of the pairs
 * @distinct:  how many different requests were compared; 0: not known
 * @generated: are texts of language models that differ among the mismatches?
 */
struct witness_effect witness_effect(const struct witnesses *w, uint64_t distinct, bool generated);

/** witness_request_effect() - that of requests that come again alone */
double witness_request_effect(const struct witnesses *w, uint64_t distinct, bool generated);

/** witness_count() - as how many witnesses @pairs count under @deff: rounded down, and one at least */
uint64_t witness_count(uint64_t pairs, double deff);

/** witness_groups_seen() - how many groups of @kind there were, about; above WITNESS_TOLD: more than that */
uint64_t witness_groups_seen(const struct witnesses *w, enum witness_kind kind);

/** witness_kind_name() - "requests", "clients", "connections", "pairs" */
const char *witness_kind_name(enum witness_kind kind);

/** witnesses_json() - the member @name: for each kind the buckets that are not empty, [bucket, pairs, mismatch, generated] */
void witnesses_json(const struct witnesses *w, struct json *j, const char *name);

/** witnesses_read() - add what witnesses_json() wrote to @w; false if @node is no such object */
bool witnesses_read(struct witnesses *w, const struct json_doc *d, uint32_t node);

#endif
