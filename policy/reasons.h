/*
 * reasons.h - which rule passed a decision on a request, in words
 *
 * policy.c says how a request ended and has no time for more. What is here asks
 * the same rules again, one by one, of a request that already has its decision,
 * and names the one that decided: the pattern, the route, the header. It has
 * rules of its own, so it can run on another thread, and costs a run that does
 * not ask for it (--explain) nothing.
 *
 * The words hold no value of any header. Of a pattern for a header that carries
 * credentials only the header's name is told.
 */
#ifndef POLICY_REASONS_H
#define POLICY_REASONS_H

#include "base/buffer.h"
#include "policy/policy.h"

struct reasons;

/** reasons_new() - from the options of a policy (borrowed while the reasons live); 0, -EINVAL or -ENOMEM, as policy_new() */
int reasons_new(const struct policy_options *options, struct reasons **out, struct buffer *error);

/**
 * reasons_add() - append the rule behind @decision on @head: "--preset v2 has no such route"
 * Return: false with nothing appended if there is nothing to say beyond the decision itself, or if
 * these rules would not have passed it (the rules have changed since).
 */
bool reasons_add(struct reasons *r, enum decision decision, const struct request_head *head,
		 struct buffer *out);

void reasons_free(struct reasons *r);

/**
 * printable_add() - append at most @max bytes of @text, and "..." if that is not all
 * What is no ASCII letter, digit or sign becomes \xNN.
 */
void printable_add(struct buffer *out, struct span text, size_t max);

#endif
