/*
 * handing_over.h - -t nats://: what is chosen goes to a broker, for replayers on other hosts
 *
 * The wiring of relay/publisher.h. What the loop is given becomes a record here and is
 * offered to the publisher's thread; what that has to say comes back through a handle that
 * wakes the loop, and is logged.
 */
#ifndef APP_RUN_HANDING_OVER_H
#define APP_RUN_HANDING_OVER_H

#include <uv.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "message/message.h"
#include "message/response.h"
#include "policy/allow.h"
#include "relay/nats_link.h"
#include "relay/publisher.h"

struct handing_over_settings {
	struct broker_options broker; /* without name and inbox */
	struct stream_limits stream;
	char tap[RELAY_NAME_MAX + 1];
	uint64_t buffer_bytes;
	uint64_t max_body; /* of requests, to say so if the broker takes less */
	bool compares;     /* responses go, too */
};

/** struct handing_over_hooks - on the loop */
struct handing_over_hooks {
	void (*on_room)(void *ctx);                        /* there is, after handing_over_has_room() said no */
	const struct allow_list *(*fields)(void *ctx);         /* which fields may travel, now */
	void (*sample)(void *ctx, char *out, size_t size); /* "sample=0.05;by=id", now */
	void (*facts)(void *ctx, struct buffer *members);  /* of JSON, for heartbeats */
	void *ctx;
};

struct handing_over;

/** handing_over_new() - while files can be read and names be asked for; 0 or a negative errno with one sentence */
int handing_over_new(const struct handing_over_settings *set, struct budget *budget, struct handing_over **out,
		     struct buffer *error);

/**
 * handing_over_connect() - after rights were given up, before a packet is read
 * Return: 0, also if the broker is not there, which is logged; -EACCES with one sentence if it refuses us.
 */
int handing_over_connect(struct handing_over *h, struct buffer *error);

/** handing_over_start() - the thread; 0 or a negative errno */
int handing_over_start(struct handing_over *h, uv_loop_t *loop, const struct handing_over_hooks *hooks);

/** handing_over_request() - borrowed; it has its wire id. @token: of the response that will come; 0: none will */
void handing_over_request(struct handing_over *h, const struct message *m, uint64_t token);

/** handing_over_response() - production's, to the request with @token: borrowed; NULL: lost to memory */
void handing_over_response(struct handing_over *h, uint64_t token, const struct response *r);

bool handing_over_has_room(struct handing_over *h);

/** handing_over_is_busy() - any thread: does it hold memory that will come back? */
bool handing_over_is_busy(const struct handing_over *h);

/** handing_over_is_own() - any thread: is this our connection to the broker? */
bool handing_over_is_own(const struct handing_over *h, uint16_t client, uint16_t server);

const struct relay_stats *handing_over_stats(const struct handing_over *h);

/** handing_over_word_times() - valid until the next call */
const struct histogram *handing_over_word_times(struct handing_over *h);

/** handing_over_shown() - the broker's URL as it may be shown */
const char *handing_over_shown(const struct handing_over *h);

/** handing_over_drain() - what waits goes, and the broker's words come, within @limit_ns; then @done. Again: with another limit */
void handing_over_drain(struct handing_over *h, int64_t limit_ns, void (*done)(void *ctx), void *ctx);

/** handing_over_close() - the handles, if there are; the loop runs until they are closed */
void handing_over_close(struct handing_over *h);
void handing_over_free(struct handing_over *h);

#endif
