/*
 * broker_prober.h - the brokers of -t and -r asked once, over the same link that a run uses
 */
#ifndef APP_DOCTOR_BROKER_PROBER_H
#define APP_DOCTOR_BROKER_PROBER_H

#include <stddef.h>

#include "base/buffer.h"
#include "relay/broker_view.h"
#include "relay/nats_link.h"

#define BROKERS_MAX 2 /* one to hand over to, one to read from */

struct broker_prober;

/**
 * broker_prober_new() - read what they name; before rights are given up
 * @target, @source:  as for a run; without hosts, there is none; borrowed
 * @group:            of replayers
 * Return: 0, with *@out NULL if there is no broker; else a negative errno with one sentence in @error (a file that is not right).
 */
int broker_prober_new(const struct broker_options *target, const struct broker_options *source, const char *group,
		      struct broker_prober **out, struct buffer *error);

/** broker_prober_ask() - connect to each and look; @views: room for BROKERS_MAX; how many there are */
size_t broker_prober_ask(struct broker_prober *p, struct broker_view *views);

/** broker_prober_free() - NULL allowed */
void broker_prober_free(struct broker_prober *p);

#endif
