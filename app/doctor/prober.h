/*
 * prober.h - each target asked once, over the same client that a run uses; not one that is production
 */
#ifndef APP_DOCTOR_PROBER_H
#define APP_DOCTOR_PROBER_H

#include "app/options/options.h"
#include "report/diagnosis.h"

/**
 * prober_ask() - send one HEAD to each target and wait for the responses, at most --max-time
 * @seen:    where requests went: a target that leads to one of these is not asked
 * @probes:  room for one per target; names are borrowed from @o
 * Return: 0, or a negative errno with one sentence in @error (a file of TLS that is not right).
 */
int prober_ask(const struct options *o, const struct narrow_view *seen, struct probe *probes, struct buffer *error);

#endif
