/*
 * at_hand.h - the client's segment at hand
 */
#ifndef HTTP_HTTP1_AT_HAND_H
#define HTTP_HTTP1_AT_HAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"

/**
 * struct at_hand - the client's segment at hand, or the last one
 *
 * Stored, not passed: llhttp's callbacks need it, and so does what happens to a request after its last segment.
 */
struct at_hand {
	struct wall at;
	uint64_t start, end, ack; /* offsets; with has_ack how far the client had read */
	uint32_t left;            /* bytes of it that were not read yet */
	bool has_ack;
	bool completed;    /* a request was completed in it */
	bool guessed;      /* a request was taken to start with it */
	bool guess_failed; /* ... or one had been before, and was none */
	struct span line;  /* from the first byte of the request that started last in it to its end; else at is NULL */
};

#endif
