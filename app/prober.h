/*
 * prober.h - each target asked once, over the same client that a run uses
 */
#ifndef APP_PROBER_H
#define APP_PROBER_H

#include "app/options.h"
#include "report/diagnosis.h"

/**
 * prober_ask() - send one HEAD to each target and wait for the answers, at most --max-time
 * @probes:  room for one per target; names are borrowed from @o
 * Return: 0, or a negative errno with one sentence in @error (a file of TLS that is not right).
 */
int prober_ask(const struct options *o, struct probe *probes, struct buffer *error);

#endif
