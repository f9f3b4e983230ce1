/* tls_talk_keys.h - the key log of a talk, and the records of one of its sides */
#ifndef TESTS_RIG_TLS_TALK_KEYS_H
#define TESTS_RIG_TLS_TALK_KEYS_H

#include "tests/rig/dice.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/unit.h"
#include "tls/records.h"
#include "tls/secrets.h"

static inline void add_talk_entry(void *ctx, const struct key_log_entry *entry)
{
	secrets_add(ctx, entry, (struct mono){ 0 });
}

/** add_talk_secrets() - all of @t */
static inline void add_talk_secrets(struct secrets *s, const struct tls_talk *t)
{
	struct key_log_sink sink = { s, add_talk_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, buffer_span(&t->key_log), &sink);
	key_log_end(&log, &sink);
}

/** add_other_secrets() - @count of connections that never were, of both lengths */
static inline void add_other_secrets(struct secrets *s, struct dice *d, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct key_log_entry e = { .kind = TLS_CLIENT_TRAFFIC, .secret_len = i % 2 ? 48 : 32 };

		for (size_t k = 0; k < sizeof(e.random); k++)
			e.random[k] = (uint8_t)below(d, 256);
		for (size_t k = 0; k < e.secret_len; k++)
			e.secret[k] = (uint8_t)below(d, 256);
		secrets_add(s, &e, (struct mono){ 0 });
	}
}

/** last_record() - with which @t's last flight begins */
static inline struct span last_record(const struct tls_talk *t)
{
	struct span flight = buffer_span(&t->flights[t->flight_count - 1].bytes);

	assert_true(record_length(flight) > 0);
	return span_of(flight.at, record_length(flight));
}

#endif
