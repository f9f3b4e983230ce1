/*
 * fault_answers.h - every way a server can answer, and what must come of it
 *
 * The same rows are told plain by test_replay_responses.c and inside TLS by test_tls.c.
 */
#ifndef TESTS_RIG_FAULT_ANSWERS_H
#define TESTS_RIG_FAULT_ANSWERS_H

#include "tests/rig/fault_server.h"
#include "replay/outcome.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
#define OK OK_HEAD "\r\n{}"

#define READ                                                                                                   \
	{                                                                                                      \
		FAULT_READ_REQUEST                                                                             \
	}
#define SEND(t)                                                                                                \
	{                                                                                                      \
		FAULT_SEND, t                                                                                  \
	}
#define HOLD                                                                                                   \
	{                                                                                                      \
		FAULT_HOLD                                                                                     \
	}
#define AGAIN                                                                                                  \
	{                                                                                                      \
		FAULT_AGAIN                                                                                    \
	}
#define CLOSE                                                                                                  \
	{                                                                                                      \
		FAULT_END                                                                                      \
	}

#define FAULT_STEPS_MAX 8

struct fault_response {
	const char *name;
	struct fault_step steps[FAULT_STEPS_MAX]; /* of every connection */
	size_t requests;                          /* sent one after the other's end */
	enum outcome_kind expect;                 /* of each */
	int status_code;
	unsigned connections; /* opened in all: fewer than requests when kept alive */
	const char *method;   /* NULL: POST */
	size_t body_len;
	unsigned max_time_ms; /* 0: long */
};

extern const struct fault_response fault_responses[];
extern const size_t fault_response_count;

#endif
