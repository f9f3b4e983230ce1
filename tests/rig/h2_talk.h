/*
 * h2_talk.h - HTTP/2 conversations at random, as scripts
 *
 * Every request has a number of its own, which its body begins with, or its path ends with, and its answer
 * repeats. Several streams are open at a time. With @lures, bodies hold frames of requests to "/evil", as
 * a client may write them, that begin where a packet does.
 */
#ifndef TESTS_RIG_H2_TALK_H
#define TESTS_RIG_H2_TALK_H

#include "tests/rig/dice.h"
#include "tests/rig/h2_script.h"

struct h2_mix {
	const char *name;
	enum h2_coder client, server;
	unsigned streams;  /* at most */
	unsigned together; /* open at a time, at most */
	uint32_t body;     /* bytes of one, at most */
	bool lures;
	bool noise;      /* PING, WINDOW_UPDATE, PRIORITY, SETTINGS, unknown frames; padding, CONTINUATION */
	bool resets;     /* RST_STREAM of either side, GOAWAY */
	bool early;      /* answers begin before their request's end */
	bool odd;        /* CONNECT, PUSH_PROMISE, malformed requests */
	bool unfinished; /* it may end in the middle */
};

extern const struct h2_mix h2_mixes[];
extern const size_t h2_mix_count;

/** h2_talk() - one conversation of @mix, appended to the empty script @s; draws from @d */
void h2_talk(struct h2_script *s, struct dice *d, const struct h2_mix *mix);

#endif
