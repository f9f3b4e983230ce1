/*
 * conversation.h - one HTTP connection at random, what its capture may do to it, and a judge
 *
 * Both sides are labelled: request N asks for "/N", and its response says "N: N". So whatever comes out can be
 * judged without a second parser: a request that was never sent, or not so, one that is reported twice, or a
 * response that is another request's, each ends the test with the seed of its round.
 *
 * Bodies are full of whole requests and responses, often just where a segment begins.
 *
 * Not generated, since nothing in the capture tells:
 *  - a capture that begins between a request's head and a body that begins with a request line, unless an interim
 *    response to that head was captured;
 *  - an upgrade or CONNECT whose own request is lost or comes in pieces behind a gap, or an h2c preface that is lost:
 *    what follows is the other protocol, whatever it looks like;
 *  - a client that keeps one request ahead and is joined in the middle, so that it never seems to be ahead.
 */
#ifndef TESTS_RIG_CONVERSATION_H
#define TESTS_RIG_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct mix - which conversations, and what is done to their capture; thousandths are of packets */
struct mix {
	const char *name;
	bool expects, heads, upgrades, early, pipelines, one_ahead, interim;
	bool midstream;         /* begins anywhere */
	bool no_synack;         /* the SYN+ACK is missing, and often the first responses */
	bool one_way;           /* only the client's packets, in half of the rounds */
	bool gaps;              /* some packets in a row of one direction are missing */
	bool whole;             /* nothing is missing: every request must come out */
	bool paired;            /* ... and every response be paired */
	uint32_t lost[2];       /* per mille, of the client's and of the server's packets */
	uint32_t late[2];       /* a direction is captured up to so many packets late */
	uint32_t doubled[2];    /* per mille */
	uint32_t cut;           /* per mille, by the snaplen */
};

/** struct mix_sum - of all rounds */
struct mix_sum {
	uint64_t sent, found, paired;
};

extern const struct mix conversation_mixes[];
extern const size_t conversation_mix_count;

/** conversation_round() - one conversation; @responses: they are kept, and judged as well */
void conversation_round(const struct mix *mix, uint64_t seed, bool responses, struct mix_sum *sum);

/** conversation_rounds() - PROPERTY_ROUNDS, or @usual */
uint64_t conversation_rounds(uint64_t usual);

/** conversation_test() - all rounds of all mixes; prints what was found */
void conversation_test(bool responses, uint64_t usual);

#endif
