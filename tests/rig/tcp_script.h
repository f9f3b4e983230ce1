/*
 * tcp_script.h - TCP conversations as tables, and what the tracker must say after each segment
 *
 * Numbers are relative as tcpdump shows them: a SYN has 0, the first byte 1.
 * A seq or ack of 0 in a step means "goes on from what this side, or the other
 * one, sent last", so most steps need none.
 */
#ifndef TESTS_RIG_TCP_SCRIPT_H
#define TESTS_RIG_TCP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/segment.h"
#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

#define CLIENT_PORT 40000
#define SERVER_PORT 8000

struct tcp_step {
	char from;          /* 'c' or 's' */
	const char *flags;  /* of "SAFRPU"; 'n' = no ACK; ACK is set by itself but on a client's SYN;
			     * 'k' = keep the place; 'z' = a zero byte is the data */
	const char *data;   /* NULL = none */
	const char *expect; /* events of this step, as @events of the tap has them; NULL = none */
	uint32_t seq, ack;  /* relative; 0 = go on */
	uint32_t missing;   /* cut by the snaplen */
	int64_t wait_ms;    /* capture time before this segment */
	uint32_t domain;
	uint32_t isn_shift; /* the client's or server's ISN moves by this from here on: another connection */
	uint16_t port;      /* of the client, when it isn't CLIENT_PORT */
	uint16_t urgent;    /* with 'U': the urgent pointer */
};

/**
 * struct tcp_story - a conversation
 * @expect_end: events when the capture ends
 * @responses:    they are wanted: "=/1 200 first+last [body];" with the microseconds from the request's last byte to
 *              the response's first and last, or "=/1 gap;"
 * @stats:      "seen=2 lost.gap=1": counters that must have just this value at the end
 */
struct tcp_story {
	const char *name;
	const struct tcp_step *steps;
	size_t count;
	const char *expect_end, *stats;
	size_t hold_bytes;  /* 0 = 64K */
	uint64_t max_body;  /* 0 = 1M */
	size_t memory;      /* 0 = plenty */
	enum keep keep;     /* KEEP_NOTHING (0) means KEEP_WHOLE here, unless keep_nothing */
	bool keep_nothing, no_ports, responses;
	uint64_t max_response; /* 0 = 1M */
	uint16_t service;    /* the port that the user named; 0 = SERVER_PORT */
};

#define STEPS(table) (table), sizeof(table) / sizeof((table)[0])

/** struct tcp_tap - a tracker and a list of what it said: "POST /x [body];" for a request, "!gap;" for a loss */
struct tcp_tap {
	struct tracker *r;
	struct budget budget;
	struct http_stats http;
	struct buffer events;
	enum keep keep;
	bool responses;
	bool ids; /* answers too are told in brief: "=/1 result status length hash;" */
	struct buffer asked; /* targets of the requests with a token, a line each */
	uint64_t tokens, answered;
	bool brief; /* bodies as length and hash, not as text */
};

void tcp_tap_open(struct tcp_tap *tap, const struct http_tracker_options *options, enum keep keep);

/** tcp_tap_close() - finish, check that the books balance and nothing is held, free; the events stay until freed */
void tcp_tap_close(struct tcp_tap *tap, const char *stats, const char *what);

/** tcp_story_run() - the whole story at ISN 0, 1, 2^32-1 and 2^32-11, with heads scanned and by llhttp alone */
void tcp_story_run(const struct tcp_story *story);

/** tcp_steps_feed() - just feed the steps at an ISN, a microsecond apart and from @now_ns on, and expect nothing */
void tcp_steps_feed(struct tracker *r, const struct tcp_step *steps, size_t count, uint32_t isn, int64_t now_ns);

/** tcp_stories_main() - each story as a test of its own; for main() to return */
int tcp_stories_main(const char *group, const struct tcp_story *stories, size_t count);

/** tcp_counter() - a counter of either list, by the name it has in a story's stats */
uint64_t tcp_counter(const struct reassembly_stats *stats, const struct http_stats *http, const char *name);

#endif
