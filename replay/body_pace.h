/*
 * body_pace.h - when the parts of a request's body are due, if they are not to be sent at once
 *
 * Those of a call of gRPC whose messages came apart (message.arrivals): each goes as
 * long after the head as it came after it, divided by the speed, and the end of the
 * stream likewise. All else goes at once.
 */
#ifndef REPLAY_BODY_PACE_H
#define REPLAY_BODY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "message/message.h"

/** struct body_pace - of one request on its way; zero, with @began, at its head */
struct body_pace {
	struct mono began;
	uint32_t next; /* of the arrivals, the first that was not due yet */
};

/** body_pace_length_ns() - how long after its head @m ends at @speed; 0: it goes at once, as everything does at speed 0 */
int64_t body_pace_length_ns(const struct message *m, double speed);

/**
 * body_pace_due() - how much of @m's body may have been sent at @now: *@upto bytes
 * Return: when more may, or the stream's end; a moment that has come: all may.
 */
struct mono body_pace_due(struct body_pace *p, const struct message *m, double speed, struct mono now, uint64_t *upto);

#endif
