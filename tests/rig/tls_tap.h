/* tls_tap.h - a tracker that reads TLS for an inner reader of the test's own, with all that belongs to it */
#ifndef TESTS_RIG_TLS_TAP_H
#define TESTS_RIG_TLS_TAP_H

#include "base/budget.h"
#include "reassembly/tracker.h"
#include "tests/rig/unit.h"
#include "tls/joiner.h"
#include "tls/key_log.h"
#include "tls/tls_reader.h"

struct tls_tap {
	struct budget budget;
	struct tls_stats stats;
	struct counted_histogram late_us;
	struct tls_lane lane;
	struct secrets *secrets;
	struct joiner *joiner;
	uint16_t port; /* the tracker's, borrowed */
	struct tracker *tracker;
	int64_t now;
};

struct tls_tap_options {
	struct reader_kind inner;
	size_t memory;       /* bytes of the budget */
	size_t connections;  /* whose secrets are kept */
	int64_t wait_ns;     /* for secrets */
	bool reads_servers;
	uint16_t port;       /* of the server; 0: the first bytes tell which side it is */
	bool joins, awaits_joiner; /* connections whose handshake is missing, ... */
	uint32_t numbers;    /* ... with these at most */
};

static inline void tls_tap_open(struct tls_tap *t, const struct tls_tap_options *options)
{
	struct tls_reader_options tls = { .may_come = true, .wait_ns = options->wait_ns, .inner_count = 1 };
	struct tracker_options tracker = {
		.hold_bytes = 64 << 10, .idle_ns = NS_PER_S * 1000, .reads_servers = options->reads_servers,
		.server_ports = &t->port, .server_port_count = options->port != 0
	};
	struct reader_kind kind;

	t->port = options->port;
	budget_init(&t->budget, options->memory);
	t->secrets = secrets_new(options->connections, 0);
	if (options->joins)
		t->joiner = joiner_new(t->secrets, options->numbers);
	tls.secrets = t->secrets;
	tls.joiner = t->joiner;
	tls.awaits_joiner = options->awaits_joiner;
	tls.inner[0] = options->inner;
	tls.budget = tracker.budget = &t->budget;
	tls.stats = &t->stats;
	tls.late_us = &t->late_us;
	tls.lane = &t->lane;
	kind = tls_reader(&tls);
	t->tracker = tracker_new(&tracker, &kind, 1);
	assert_non_null(t->tracker);
	t->now = NS_PER_S;
}

/** tls_tap_feed() - a segment of the connection from @client_port; @sent: bytes of both sides, at first zero */
static inline void tls_tap_feed(struct tls_tap *t, uint16_t client_port, bool of_server, uint32_t sent[2], uint8_t flags,
				struct span bytes)
{
	const struct endpoint ends[2] = { { .family = 4, .addr = { 10, 0, 1, 1 }, .port = client_port },
					  { .family = 4, .addr = { 10, 0, 0, 2 }, .port = 443 } };
	struct segment s = { .src = ends[of_server],
			     .dst = ends[!of_server],
			     .payload = bytes,
			     .ts = { t->now += 1000 },
			     .seq = 1000 + sent[of_server],
			     .ack = 1000 + sent[!of_server],
			     .flags = flags };

	tracker_feed(t->tracker, &s);
	sent[of_server] += (uint32_t)bytes.len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

static inline void tls_tap_on_entry(void *ctx, const struct key_log_entry *entry)
{
	secrets_add(ctx, entry, (struct mono){ 0 });
}

/** tls_tap_tell() - the secrets of a key log */
static inline void tls_tap_tell(struct tls_tap *t, struct span key_log)
{
	struct key_log_sink sink = { t->secrets, tls_tap_on_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, key_log, &sink);
	key_log_end(&log, &sink);
}

/** tls_tap_finish() - all that was captured is over */
static inline void tls_tap_finish(struct tls_tap *t)
{
	tracker_finish(t->tracker);
	tls_finish(&t->lane);
}

static inline void tls_tap_close(struct tls_tap *t)
{
	tracker_free(t->tracker);
	joiner_free(t->joiner);
	secrets_free(t->secrets);
	assert_int_equal(budget_used(&t->budget), 0);
}

#endif
