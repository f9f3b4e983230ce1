/* joiner.c - see joiner.h */
#include "tls/joiner.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "tls/last_byte.h"
#include "tls/records.h"
#include "tls/secret_pages.h"
#include "tls/stream_keys.h"

#define STEP_FIRST  1024 /* numbers */
#define STEP_GROWTH 8    /* ... from one step to the next */
#define LISTED_MAX  256  /* secrets, of which there are copies at a time */

struct joiner_task {
	struct joiner *joiner;
	struct joiner_task *next; /* in the queue */
	struct buffer bytes;      /* the record */
	struct joiner_question question; /* with @bytes and @random */
	struct record record;     /* of @bytes */
	uint8_t random[TLS_RANDOM_BYTES];
	uint64_t tried;           /* numbers */
	struct joiner_found found;
	_Atomic int answer;       /* enum joiner_answer; @found is set before */
	_Atomic bool is_forgotten; /* by who has asked; then the thread frees it */
	bool is_at_hand;          /* the thread has it; under the lock */
};

/** struct copies - of secrets, and what they opened; in pages of their own, like secrets of keys */
struct copies {
	_Alignas(void *) struct secrets_candidate candidates[LISTED_MAX];
	struct secrets_found found;
	uint8_t room[RECORD_PAYLOAD_MAX];
};

struct joiner {
	struct secrets *secrets;
	uint64_t end; /* numbers below it are tried */
	struct copies *copies; /* the thread's, as both of these are */
	struct secret_pages copies_pages, key_pages;
	pthread_t thread;
	_Atomic uint64_t answers;
	_Atomic bool is_stopped;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t asked, answered;
	struct joiner_task *first, **last;
	size_t count; /* tasks that are in the queue, or at hand */
	bool is_started, is_over;
};

static void free_task(struct joiner_task *t)
{
	buffer_deinit(&t->bytes);
	free(t);
}

/* ---- the thread ------------------------------------------------------------------ */

static bool is_cancelled(const struct joiner_task *t)
{
	return atomic_load_explicit(&t->is_forgotten, memory_order_relaxed) ||
	       atomic_load_explicit(&t->joiner->is_stopped, memory_order_relaxed);
}

/** try_likely() - the numbers from @from on whose bits are set in @likely: the tag tells */
static bool try_likely(struct joiner_task *t, struct stream_keys *keys, uint64_t from, uint64_t likely)
{
	struct opened opened;

	for (; likely; likely &= likely - 1) {
		uint64_t number = from + (uint64_t)__builtin_ctzll(likely);

		if (!stream_keys_open(keys, &t->record, number, t->joiner->copies->room, &opened))
			continue;
		t->found.suite = keys->suite;
		t->found.number = number;
		return true;
	}
	return false;
}

/** try_secret() - with the numbers of this step, up to @end */
static bool try_secret(struct joiner_task *t, const struct suite *suite, struct span secret, uint64_t end)
{
	struct stream_keys keys = { 0 };
	struct last_byte last = { 0 };
	bool found = false;

	if (stream_keys_from_secret(&keys, suite, secret, &t->joiner->key_pages) == 0 && last_byte_init(&last, suite, secret))
		for (uint64_t n = t->tried; n < end && !found && !is_cancelled(t); n += LAST_BYTE_NUMBERS) {
			size_t count = end - n < LAST_BYTE_NUMBERS ? (size_t)(end - n) : LAST_BYTE_NUMBERS;

			found = try_likely(t, &keys, n, last_byte_likely(&last, &t->record, n, count));
		}
	last_byte_deinit(&last);
	stream_keys_deinit(&keys);
	return found;
}

static bool try_suite(struct joiner_task *t, size_t i, size_t count, uint64_t end)
{
	for (size_t k = 0; k < count && !is_cancelled(t); k++) {
		const struct secrets_candidate *c = &t->joiner->copies->candidates[k];
		const struct suite *suite = suite_of_secret(c->len, i);

		if (!suite || !try_secret(t, suite, span_of(c->secret, c->len), end))
			continue;
		memcpy(t->found.random, c->random, TLS_RANDOM_BYTES);
		return true;
	}
	return false;
}

/** try_listed() - the secrets with numbers behind @after, up to @upto */
static bool try_listed(struct joiner_task *t, uint64_t after, uint64_t upto, uint64_t end)
{
	struct copies *copies = t->joiner->copies;
	size_t count = secrets_unclaimed(t->joiner->secrets, after, upto, copies->candidates, LISTED_MAX);

	for (size_t i = 0; i < SUITES_OF_SECRET_MAX; i++)
		if (try_suite(t, i, count, end))
			return true;
	return false;
}

static bool try_client(struct joiner_task *t, uint64_t end)
{
	uint64_t upto = t->question.upto, after = upto > JOINER_SECRETS_MAX ? upto - JOINER_SECRETS_MAX : 0;

	if (after < t->question.after)
		after = t->question.after;
	while (upto > after && !is_cancelled(t)) {
		uint64_t from = upto - after > LISTED_MAX ? upto - LISTED_MAX : after;

		if (try_listed(t, from, upto, end))
			return true;
		upto = from;
	}
	return false;
}

static bool try_server(struct joiner_task *t, uint64_t end)
{
	struct joiner *j = t->joiner;
	const struct suite *suite = t->question.suite;
	const struct secrets_found *found = &j->copies->found;

	if (!secrets_find(j->secrets, t->random, &j->copies->found) || found->len[TLS_SERVER_TRAFFIC] != suite_secret_len(suite))
		return false;
	memcpy(t->found.random, t->random, TLS_RANDOM_BYTES);
	return try_secret(t, suite, span_of(found->secret[TLS_SERVER_TRAFFIC], found->len[TLS_SERVER_TRAFFIC]), end);
}

/** do_step() - the next numbers; is there an answer? */
static bool do_step(struct joiner_task *t)
{
	struct joiner *j = t->joiner;
	uint64_t end = t->tried == 0 ? STEP_FIRST : t->tried * STEP_GROWTH;
	enum joiner_answer answer = JOINER_NONE;

	if (end > j->end)
		end = j->end;
	if (t->question.random ? try_server(t, end) : try_client(t, end))
		answer = JOINER_FOUND;
	OPENSSL_cleanse(j->copies, sizeof(*j->copies));
	if (t->tried < end)
		t->tried = end;
	if (answer == JOINER_NONE && t->tried < j->end && !is_cancelled(t))
		return false;
	atomic_store_explicit(&t->answer, answer, memory_order_release);
	return true;
}

static struct joiner_task *take_task(struct joiner *j)
{
	struct joiner_task *t;

	pthread_mutex_lock(&j->lock);
	while (!j->first && !j->is_over)
		pthread_cond_wait(&j->asked, &j->lock);
	t = j->first;
	if (t) {
		j->first = t->next;
		if (!j->first)
			j->last = &j->first;
		t->next = NULL;
		t->is_at_hand = true;
	}
	pthread_mutex_unlock(&j->lock);
	return t;
}

static void queue(struct joiner *j, struct joiner_task *t)
{
	*j->last = t;
	j->last = &t->next;
}

/** put_back() - who has asked has its answer, unless it has gone; or the question waits for its next step */
static void put_back(struct joiner *j, struct joiner_task *t, bool is_answered)
{
	bool is_forgotten;

	pthread_mutex_lock(&j->lock);
	t->is_at_hand = false;
	is_forgotten = atomic_load(&t->is_forgotten);
	if (is_answered || is_forgotten)
		j->count--;
	else
		queue(j, t);
	if (is_answered)
		atomic_fetch_add_explicit(&j->answers, 1, memory_order_release);
	pthread_cond_broadcast(&j->answered);
	pthread_mutex_unlock(&j->lock);
	if (is_forgotten)
		free_task(t);
}

static void *joiner_main(void *arg)
{
	struct joiner *j = arg;
	struct joiner_task *t;

	while ((t = take_task(j)))
		put_back(j, t, do_step(t));
	return NULL;
}

/* ---- who asks -------------------------------------------------------------------- */

struct joiner *joiner_new(struct secrets *secrets, uint32_t numbers)
{
	struct joiner *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->copies_pages.slot_size = sizeof(*j->copies);
	j->key_pages.slot_size = TLS_SECRET_MAX;
	j->copies = secret_pages_take(&j->copies_pages);
	secret_pages_put(secret_pages_take(&j->key_pages)); /* there is one secret of keys at a time, and from now on room for it */
	if (!j->copies || !j->key_pages.chunks) {
		secret_pages_deinit(&j->copies_pages);
		secret_pages_deinit(&j->key_pages);
		free(j);
		return NULL;
	}
	j->secrets = secrets;
	j->end = (uint64_t)numbers + 1;
	j->last = &j->first;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->asked, NULL);
	pthread_cond_init(&j->answered, NULL);
	return j;
}

bool joiner_is_locked(const struct joiner *j)
{
	return !j->copies_pages.is_unlocked && !j->key_pages.is_unlocked;
}

/** start() - not before it is needed: most captures have no such connection, and by then we are who we are to be */
static bool start(struct joiner *j)
{
	if (!j->is_started)
		j->is_started = pthread_create(&j->thread, NULL, joiner_main, j) == 0;
	return j->is_started;
}

static struct joiner_task *make_task(struct joiner *j, const struct joiner_question *question)
{
	struct joiner_task *t = calloc(1, sizeof(*t));
	struct span bytes;

	if (!t)
		return NULL;
	buffer_add_span(&t->bytes, question->record);
	bytes = buffer_span(&t->bytes);
	if (record_take(&bytes, &t->record) != FRAMING_WHOLE) { /* there was no memory for it */
		free_task(t);
		return NULL;
	}
	t->joiner = j;
	t->question = *question;
	if (question->random) {
		memcpy(t->random, question->random, TLS_RANDOM_BYTES);
		t->question.random = t->random;
	}
	return t;
}

struct joiner_task *joiner_ask(struct joiner *j, const struct joiner_question *question)
{
	struct joiner_task *t = make_task(j, question);
	bool is_taken;

	if (!t)
		return NULL;
	pthread_mutex_lock(&j->lock);
	is_taken = j->count < JOINER_QUESTIONS_MAX && start(j);
	if (is_taken) {
		j->count++;
		queue(j, t);
		pthread_cond_signal(&j->asked);
	}
	pthread_mutex_unlock(&j->lock);
	if (is_taken)
		return t;
	free_task(t);
	return NULL;
}

enum joiner_answer joiner_answer(const struct joiner_task *t, struct joiner_found *out)
{
	struct joiner_task *task = (struct joiner_task *)t; /* which is only read */
	enum joiner_answer answer = (enum joiner_answer)atomic_load_explicit(&task->answer, memory_order_acquire);

	if (answer == JOINER_FOUND)
		*out = t->found;
	return answer;
}

enum joiner_answer joiner_wait(struct joiner_task *t, struct joiner_found *out)
{
	struct joiner *j = t->joiner;

	pthread_mutex_lock(&j->lock);
	while (joiner_answer(t, out) == JOINER_TRIES)
		pthread_cond_wait(&j->answered, &j->lock);
	pthread_mutex_unlock(&j->lock);
	return joiner_answer(t, out);
}

/** leave_queue() - if it is in there */
static void leave_queue(struct joiner *j, struct joiner_task *t)
{
	struct joiner_task **at = &j->first;

	while (*at && *at != t)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = t->next;
	if (!t->next)
		j->last = at;
	j->count--;
}

void joiner_forget(struct joiner_task *t)
{
	struct joiner *j;
	bool is_at_hand;

	if (!t)
		return;
	j = t->joiner;
	pthread_mutex_lock(&j->lock);
	is_at_hand = t->is_at_hand;
	if (is_at_hand)
		atomic_store(&t->is_forgotten, true);
	else
		leave_queue(j, t);
	pthread_mutex_unlock(&j->lock);
	if (!is_at_hand)
		free_task(t);
}

uint64_t joiner_answers(const struct joiner *j)
{
	return atomic_load_explicit(&((struct joiner *)j)->answers, memory_order_acquire);
}

void joiner_stop(struct joiner *j)
{
	atomic_store_explicit(&j->is_stopped, true, memory_order_relaxed);
}

void joiner_free(struct joiner *j)
{
	if (!j)
		return;
	joiner_stop(j);
	pthread_mutex_lock(&j->lock);
	j->is_over = true;
	pthread_cond_signal(&j->asked);
	pthread_mutex_unlock(&j->lock);
	if (j->is_started)
		pthread_join(j->thread, NULL);
	secret_pages_deinit(&j->copies_pages);
	secret_pages_deinit(&j->key_pages);
	pthread_cond_destroy(&j->asked);
	pthread_cond_destroy(&j->answered);
	pthread_mutex_destroy(&j->lock);
	free(j);
}
