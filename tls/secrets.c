/* secrets.c - see secrets.h */
#include "tls/secrets.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "tls/secret_pages.h"

#define BUCKETS_FIRST 256
#define EXPIRE_AT_ONCE 64

/** struct entry - a connection; from the oldest to the newest by when it was added or asked for last */
struct entry {
	struct entry *next; /* in its bucket */
	struct entry *older, *newer;
	struct entry *before, *after; /* with a number: among those that have one, by it */
	uint64_t number;              /* of its client's secret of TLS 1.3; 0: it has none */
	struct mono at;
	uint64_t hash;
	uint8_t random[TLS_RANDOM_BYTES];
	struct secrets_found found;
	bool used;
	bool claimed; /* ... since its client's secret was added */
};

struct secrets {
	pthread_mutex_t lock;
	struct hash_key key;
	struct entry **buckets;
	size_t bucket_count, max;
	struct entry *oldest, *newest;
	struct entry *last; /* the one with the highest number */
	struct secret_pages pages; /* all entries are in */
	int64_t expire_ns;
	struct mono now; /* as who adds has said last */
	struct secrets_counts counts;
	_Atomic uint64_t generation, numbers;
};

struct secrets *secrets_new(size_t max, int64_t expire_ns)
{
	struct secrets *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->buckets = calloc(BUCKETS_FIRST, sizeof(*s->buckets));
	if (!s->buckets) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->key = hash_key_random();
	s->bucket_count = BUCKETS_FIRST;
	s->max = max;
	s->pages.slot_size = sizeof(struct entry);
	s->expire_ns = expire_ns;
	return s;
}

static struct entry **bucket_of(struct secrets *s, uint64_t hash)
{
	return &s->buckets[hash & (s->bucket_count - 1)];
}

static void leave_ages(struct secrets *s, struct entry *e)
{
	if (e->older)
		e->older->newer = e->newer;
	else
		s->oldest = e->newer;
	if (e->newer)
		e->newer->older = e->older;
	else
		s->newest = e->older;
}

static void join_ages(struct secrets *s, struct entry *e, struct mono now)
{
	e->at = now;
	e->newer = NULL;
	e->older = s->newest;
	if (s->newest)
		s->newest->newer = e;
	else
		s->oldest = e;
	s->newest = e;
}

static void leave_numbers(struct secrets *s, struct entry *e)
{
	if (e->number == 0)
		return;
	if (e->before)
		e->before->after = e->after;
	if (e->after)
		e->after->before = e->before;
	else
		s->last = e->before;
	e->number = 0;
}

/** number() - @e has a client's secret of TLS 1.3, which is the newest */
static void number(struct secrets *s, struct entry *e)
{
	leave_numbers(s, e);
	e->number = atomic_fetch_add_explicit(&s->numbers, 1, memory_order_release) + 1;
	e->after = NULL;
	e->before = s->last;
	if (s->last)
		s->last->after = e;
	s->last = e;
	e->claimed = false;
}

static void forget(struct secrets *s, struct entry *e)
{
	struct entry **at = bucket_of(s, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	leave_ages(s, e);
	leave_numbers(s, e);
	secret_pages_put(e);
	s->counts.held--;
}

/* Twice as many where entries have become as many; if there is no memory for them, chains grow longer. */
static void make_buckets(struct secrets *s)
{
	struct entry **more = calloc(2 * s->bucket_count, sizeof(*more));

	if (!more)
		return;
	free(s->buckets);
	s->buckets = more;
	s->bucket_count *= 2;
	for (struct entry *e = s->oldest; e; e = e->newer) {
		struct entry **at = bucket_of(s, e->hash);

		e->next = *at;
		*at = e;
	}
}

static struct entry *find(struct secrets *s, const uint8_t *random, uint64_t hash)
{
	struct entry *e = *bucket_of(s, hash);

	while (e && (e->hash != hash || memcmp(e->random, random, TLS_RANDOM_BYTES) != 0))
		e = e->next;
	return e;
}

static struct entry *make_entry(struct secrets *s, const uint8_t *random, uint64_t hash, struct mono now)
{
	struct entry *e;

	if (s->counts.held >= s->max && s->oldest) {
		forget(s, s->oldest);
		s->counts.evicted++;
	}
	e = secret_pages_take(&s->pages);
	if (!e)
		return NULL;
	if (s->counts.held >= s->bucket_count)
		make_buckets(s);
	memcpy(e->random, random, TLS_RANDOM_BYTES);
	e->hash = hash;
	e->next = *bucket_of(s, hash);
	*bucket_of(s, hash) = e;
	join_ages(s, e, now);
	s->counts.held++;
	return e;
}

static void expire(struct secrets *s, struct mono now)
{
	s->now = now;
	for (int i = 0; s->expire_ns > 0 && s->oldest && now.ns - s->oldest->at.ns > s->expire_ns && i < EXPIRE_AT_ONCE; i++) {
		forget(s, s->oldest);
		s->counts.expired++;
	}
}

static bool is_known(const struct entry *e, const struct key_log_entry *entry)
{
	return e->found.len[entry->kind] == entry->secret_len &&
	       CRYPTO_memcmp(e->found.secret[entry->kind], entry->secret, entry->secret_len) == 0;
}

static void add(struct secrets *s, const struct key_log_entry *entry, struct mono now)
{
	uint64_t hash = hash_bytes(&s->key, entry->random, TLS_RANDOM_BYTES);
	struct entry *e;

	expire(s, now);
	e = find(s, entry->random, hash);
	if (e && is_known(e, entry)) {
		s->counts.duplicate++;
		return;
	}
	if (!e)
		e = make_entry(s, entry->random, hash, now);
	if (!e) {
		s->counts.refused++;
		return;
	}
	memcpy(e->found.secret[entry->kind], entry->secret, entry->secret_len);
	e->found.len[entry->kind] = (uint8_t)entry->secret_len;
	if (entry->kind == TLS_CLIENT_TRAFFIC)
		number(s, e);
	s->counts.kept++;
	atomic_fetch_add_explicit(&s->generation, 1, memory_order_release);
}

void secrets_add(struct secrets *s, const struct key_log_entry *entry, struct mono now)
{
	if (entry->kind >= TLS_SECRET_KINDS || entry->secret_len == 0 || entry->secret_len > TLS_SECRET_MAX)
		return;
	pthread_mutex_lock(&s->lock);
	add(s, entry, now);
	pthread_mutex_unlock(&s->lock);
}

bool secrets_find(struct secrets *s, const uint8_t random[TLS_RANDOM_BYTES], struct secrets_found *out)
{
	uint64_t hash = hash_bytes(&s->key, random, TLS_RANDOM_BYTES);
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	e = find(s, random, hash);
	if (e) {
		*out = e->found;
		s->counts.used += !e->used;
		e->used = e->claimed = true;
		leave_ages(s, e);
		join_ages(s, e, s->now);
	}
	pthread_mutex_unlock(&s->lock);
	return e != NULL;
}

uint64_t secrets_last(const struct secrets *s)
{
	return atomic_load_explicit(&((struct secrets *)s)->numbers, memory_order_acquire);
}

size_t secrets_unclaimed(struct secrets *s, uint64_t after, uint64_t upto, struct secrets_candidate *out, size_t max)
{
	size_t count = 0;

	pthread_mutex_lock(&s->lock);
	for (const struct entry *e = s->last; e && e->number > after && count < max; e = e->before) {
		struct secrets_candidate *c = &out[count];

		if (e->number > upto || e->claimed)
			continue;
		memcpy(c->random, e->random, TLS_RANDOM_BYTES);
		memcpy(c->secret, e->found.secret[TLS_CLIENT_TRAFFIC], TLS_SECRET_MAX);
		c->len = e->found.len[TLS_CLIENT_TRAFFIC];
		count++;
	}
	pthread_mutex_unlock(&s->lock);
	return count;
}

void secrets_unclaim(struct secrets *s)
{
	pthread_mutex_lock(&s->lock);
	for (struct entry *e = s->last; e; e = e->before)
		e->claimed = false;
	pthread_mutex_unlock(&s->lock);
}

uint64_t secrets_generation(const struct secrets *s)
{
	return atomic_load_explicit(&((struct secrets *)s)->generation, memory_order_acquire);
}

void secrets_expire(struct secrets *s, struct mono now)
{
	pthread_mutex_lock(&s->lock);
	expire(s, now);
	pthread_mutex_unlock(&s->lock);
}

struct secrets_counts secrets_counts(struct secrets *s)
{
	struct secrets_counts counts;

	pthread_mutex_lock(&s->lock);
	counts = s->counts;
	pthread_mutex_unlock(&s->lock);
	return counts;
}

bool secrets_are_locked(struct secrets *s)
{
	bool locked;

	pthread_mutex_lock(&s->lock);
	locked = !s->pages.is_unlocked;
	pthread_mutex_unlock(&s->lock);
	return locked;
}

void secrets_free(struct secrets *s)
{
	if (!s)
		return;
	secret_pages_deinit(&s->pages);
	free(s->buckets);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
