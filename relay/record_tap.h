/*
 * record_tap.h - ce-tap: what a shadowtap tells another one of a request or an answer
 *
 * KEY=VALUE, joined by ";", all of it visible ASCII that needs no percent-encoding.
 * Keys that are not known are stepped over, so that one can be added.
 *
 *   first=NS            when the first byte of the request was captured, of 1970
 *   client=A:P server=A:P proxied=A:P     the ends; the client that a proxy names
 *   local=HEX           the request's id on the tap, 16 digits: what its events and recordings call it
 *   answer=1            production's response follows as a record of its own
 *   sample=SHARE by=UNIT   of the tap, for people
 *   part=1              HTTP/2: fields of the head are missing of which nothing is known
 *   arrivals=OFFSET:US,...  when messages of a call of gRPC came, after its first byte;
 *                       of an answer, its messages and events, after the request's last byte
 *   result=NAME status=N    of an answer: whole, gap, ...; the status where it is not whole
 *   first_us=N last_us=N    ... when its first and last byte came, after the request's last
 */
#ifndef RELAY_RECORD_TAP_H
#define RELAY_RECORD_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "message/arrival.h"
#include "message/message.h"
#include "message/response.h"

/* Later ones are left out of the text: their bytes are taken to have come with the last that is in it. */
#define RECORD_ARRIVALS_MAX 4096

/** record_tap_request_max() - bytes that record_tap_put_request() writes at most */
size_t record_tap_request_max(const struct message *m, const char *sample);

/** record_tap_put_request() - the text, from @at on; where it ended. No NUL */
char *record_tap_put_request(char *at, const struct message *m, bool has_answer, const char *sample);

/** record_tap_answer_max(), record_tap_put_answer() - likewise of an answer; @r NULL: lost to memory */
size_t record_tap_answer_max(const struct response *r);
char *record_tap_put_answer(char *at, const struct response *r);

/** struct record_tap - what was read; keys that were not there are 0, -1 of times, WHOLE of the result */
struct record_tap {
	struct wall first;
	struct endpoint client, server, proxied;
	uint64_t local;
	bool has_first, has_local, has_result, expects_answer, is_part;
	enum response_result result;
	int status_code;
	int64_t first_us, last_us;
	struct span arrivals; /* checked, to be read by record_arrival_next(); borrowed */
	size_t arrival_count;
};

/** record_tap_read() - false if a key that is known has a value that is none; offsets and times of arrivals ascend */
bool record_tap_read(struct span text, struct record_tap *out);

/** record_arrival_next() - take the next from the front of @arrivals; false, with @out as before, when there is none */
bool record_arrival_next(struct span *arrivals, struct arrival *out);

#endif
