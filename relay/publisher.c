/* publisher.c - see publisher.h */
#include "relay/publisher.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "relay/heartbeat_text.h"
#include "relay/inflight.h"
#include "relay/subjects.h"

#define IDLE_NS (NS_PER_S / 20)        /* longest between two looks at the connection, and at what is overdue */
#define GATHER_NS (3 * NS_PER_MS / 2)  /* see the header */
#define ROOM_MAX (INFLIGHT_MAX / 8)    /* for who may wait: more would get old while they wait */
#define MANY 512                       /* that wait: then there is nothing to be gathered */
#define AT_ONCE 256                    /* records written before all else is looked at again */
#define AT_ONCE_BYTES (512u << 10)     /* ... and bytes: more of them only where one record has more */
#define HEARTBEAT_NS NS_PER_S
#define PREPARE_NS (10 * NS_PER_S) /* between two looks for the stream, where there was none */
#define FLUSH_NS (NS_PER_S / 2)

/** struct waiting - a slot of the ring */
struct waiting {
	struct record *record;
	int64_t offered_ns;
};

enum turn {
	TURN_IDLE,  /* there was nothing to do */
	TURN_BUSY,  /* something was done: there may be more */
	TURN_STUCK, /* nothing could be done, and something waits */
};

struct publisher {
	struct engine *engine;
	struct publisher_options set;
	char service[RELAY_NAME_MAX + 1], tap[RELAY_NAME_MAX + 1], source[RECORD_SOURCE_TEXT_MAX];
	struct relay_stats stats;

	/* The loop pushes, the thread pops: of what was pushed and not settled, there are never more than INFLIGHT_MAX. */
	struct waiting ring[INFLIGHT_MAX];
	_Atomic uint64_t pushed, popped; /* each has one writer */
	_Atomic uint64_t held;           /* pushed, and neither shed nor settled */
	_Atomic size_t bytes;            /* that wait in the ring */
	_Atomic bool wants_room;         /* somebody waits for it */

	/* One text each way, taken by who it is for: NULL if there is none. */
	_Atomic(struct buffer *) news, facts;
	_Atomic int64_t end_by_ns; /* 0: go on */
	_Atomic bool sleeps;       /* until @wake_fd is written */
	int wake_fd;

	/* the thread's */
	struct inflight *inflight;
	uint32_t partitions;
	bool is_prepared, was_up;
	bool is_clogged; /* the network has not taken all of it yet */
	enum turn turn;  /* the last */
	struct mono now; /* of this turn */
	struct mono next_heartbeat, next_prepare;
	uint64_t said_denied, said_no_stream, said_full; /* when these were counted so often, it was told */
	struct buffer text;
	struct buffer *said_facts;            /* those of the last heartbeat */
	struct counted_histogram word_us;     /* any thread reads it */

	pthread_t thread;
	bool has_thread;
	_Atomic bool has_ended;
};

static void text_free(struct buffer *text)
{
	if (text)
		buffer_deinit(text);
	free(text);
}

/* ---- news -------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void tell(struct publisher *p, const char *format, ...)
{
	struct buffer *news = atomic_exchange(&p->news, NULL);
	va_list args;

	if (!news && !(news = calloc(1, sizeof(*news))))
		return;
	va_start(args, format);
	buffer_vprintf(news, format, args);
	va_end(args);
	buffer_add_str(news, "\n");
	atomic_store(&p->news, news); /* nobody else puts any there */
	p->set.on_wake(p->set.ctx);
}

bool publisher_news(struct publisher *p, struct buffer *lines)
{
	struct buffer *news = atomic_exchange(&p->news, NULL);

	if (news)
		buffer_add_span(lines, buffer_span(news));
	text_free(news);
	return lines->len > 0;
}

/* ---- the loop's side ----------------------------------------------------------- */

static void shed(struct publisher *p, enum relay_shed why)
{
	counter_add(&p->stats.relay_shed[why], 1);
}

/**
 * wake_thread() - if it sleeps; else it looks again soon
 *
 * What is to be seen was stored before, and the thread says that it sleeps before it looks a last time; none of these four may
 * change places with another, so one of the two sees what the other has stored.
 */
static void wake_thread(struct publisher *p)
{
	const uint64_t one = 1;

	if (atomic_load(&p->sleeps) && atomic_exchange(&p->sleeps, false))
		while (write(p->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
}

/** take_room() - for @size bytes; false if there is none */
static bool take_room(struct publisher *p, size_t size)
{
	if (atomic_load_explicit(&p->bytes, memory_order_relaxed) + size > p->set.buffer_bytes ||
	    (p->set.budget && !budget_charge(p->set.budget, size)))
		return false;
	atomic_fetch_add_explicit(&p->bytes, size, memory_order_relaxed);
	return true;
}

bool publisher_takes(struct publisher *p, enum record_kind kind)
{
	counter_add(&p->stats.offered, 1);
	counter_add(kind == RECORD_REQUEST ? &p->stats.requests : &p->stats.responses, 1);
	if (!p->engine->ops->is_up(p->engine))
		shed(p, RELAY_SHED_DISCONNECTED);
	else if (atomic_load_explicit(&p->held, memory_order_relaxed) >= INFLIGHT_MAX)
		shed(p, RELAY_SHED_INFLIGHT);
	else
		return true;
	return false;
}

bool publisher_give(struct publisher *p, struct record *r)
{
	uint64_t at = atomic_load_explicit(&p->pushed, memory_order_relaxed);

	if (!r || !take_room(p, r->size)) {
		shed(p, RELAY_SHED_BUFFER);
		record_free(r);
		return false;
	}
	p->ring[at % INFLIGHT_MAX] = (struct waiting){ r, mono_now().ns };
	atomic_fetch_add_explicit(&p->held, 1, memory_order_relaxed);
	atomic_store(&p->pushed, at + 1);
	wake_thread(p);
	return true;
}

bool publisher_has_room(struct publisher *p)
{
	bool has = atomic_load_explicit(&p->held, memory_order_relaxed) < ROOM_MAX &&
		   atomic_load_explicit(&p->bytes, memory_order_relaxed) < p->set.buffer_bytes / 2;

	if (!has)
		atomic_store_explicit(&p->wants_room, true, memory_order_release);
	return has;
}

bool publisher_is_busy(const struct publisher *p)
{
	return atomic_load_explicit(&((struct publisher *)p)->bytes, memory_order_relaxed) > 0;
}

void publisher_set_facts(struct publisher *p, struct span members)
{
	struct buffer *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return;
	buffer_add_span(facts, members);
	text_free(atomic_exchange(&p->facts, facts)); /* those before, where no heartbeat has taken them */
}

const struct relay_stats *publisher_stats(const struct publisher *p)
{
	return &p->stats;
}

void publisher_word_times(const struct publisher *p, struct histogram *out)
{
	*out = (struct histogram){ 0 };
	histogram_take(out, &p->word_us);
}

uint64_t publisher_limit(const struct publisher *p)
{
	return p->engine->ops->limit(p->engine);
}

/* ---- the broker's words --------------------------------------------------------- */

static void release_held(struct publisher *p, uint64_t count)
{
	atomic_fetch_sub_explicit(&p->held, count, memory_order_relaxed);
}

static void on_word(void *ctx, uint64_t number, enum relay_result result)
{
	struct publisher *p = ctx;
	int64_t took_ns = 0;

	switch (inflight_settle(p->inflight, number, result, p->now, &took_ns)) {
	case INFLIGHT_NOTHING:
		return;
	case INFLIGHT_LATE:
		counter_sub(&p->stats.relay_result[RELAY_UNKNOWN], 1);
		counter_add(&p->stats.late, 1);
		break;
	case INFLIGHT_SETTLED:
		release_held(p, 1);
		break;
	}
	counter_add(&p->stats.relay_result[result], 1);
	counted_histogram_add(&p->word_us, (uint64_t)(took_ns > 0 ? took_ns / NS_PER_US : 0));
}

static void book_overdue(struct publisher *p, bool all)
{
	uint64_t count = inflight_expire(p->inflight, p->now, all);

	counter_add(&p->stats.relay_result[RELAY_UNKNOWN], count);
	release_held(p, count);
}

/* ---- what goes wrong ------------------------------------------------------------ */

/** is_worth_telling() - the first, and then each time that there are ten times as many */
static bool is_worth_telling(uint64_t count, uint64_t *said)
{
	if (count == 0 || count < *said * 10)
		return false;
	*said = count;
	return true;
}

static void book_trouble(struct publisher *p)
{
	struct buffer text = { 0 };
	uint64_t count;
	int partition;

	if (!p->engine->ops->trouble(p->engine, &partition, &text)) {
		buffer_deinit(&text);
		return;
	}
	if (partition >= 0) {
		count = inflight_deny(p->inflight, (uint32_t)partition);
		counter_add(&p->stats.relay_result[RELAY_REFUSED_DENIED], count);
		release_held(p, count);
	}
	if (partition < 0 || is_worth_telling(counter_get(&p->stats.relay_result[RELAY_REFUSED_DENIED]), &p->said_denied))
		tell(p, "the broker says: %s", buffer_text(&text));
	buffer_deinit(&text);
}

static void look_for_stream(struct publisher *p)
{
	struct buffer why = { 0 };
	int err;

	p->next_prepare = (struct mono){ p->now.ns + PREPARE_NS };
	err = p->engine->ops->prepare(p->engine, &p->partitions, &why);
	p->is_prepared = err >= 0;
	if (err < 0)
		tell(p, "%s", buffer_text(&why));
	else if (err == 1)
		tell(p, "the stream shadowtap_%s is made", p->service);
	buffer_deinit(&why);
}

/** look_at_connection() - that it is lost, and that it is back, is told once each */
static void look_at_connection(struct publisher *p)
{
	uint64_t missing = counter_get(&p->stats.relay_result[RELAY_REFUSED_NO_STREAM]);
	bool came_up = p->engine->ops->tend(p->engine, p->now) == 1, is_up = p->engine->ops->is_up(p->engine);
	const char *why = p->engine->ops->lost(p->engine);

	if (came_up)
		counter_add(&p->stats.connects, 1);
	if (p->was_up && (!is_up || came_up))
		tell(p, "%s; until it is back, nothing is handed over", *why ? why : "the connection to the broker was lost");
	if (came_up)
		tell(p, "the broker is there again");
	p->was_up = is_up;
	counter_set(&p->stats.is_up, is_up);
	/* a broker that was not there at the start, or whose stream is gone */
	if (is_up && (!p->is_prepared || missing > p->said_no_stream) && p->now.ns >= p->next_prepare.ns) {
		p->said_no_stream = missing;
		look_for_stream(p);
	}
}

/* ---- publishing ----------------------------------------------------------------- */

static struct waiting *front(struct publisher *p)
{
	uint64_t at = atomic_load_explicit(&p->popped, memory_order_relaxed);

	return at == atomic_load_explicit(&p->pushed, memory_order_acquire) ? NULL : &p->ring[at % INFLIGHT_MAX];
}

static size_t waiting_count(struct publisher *p)
{
	uint64_t popped = atomic_load_explicit(&p->popped, memory_order_relaxed);

	return (size_t)(atomic_load_explicit(&p->pushed, memory_order_acquire) - popped);
}

static void pop(struct publisher *p)
{
	struct record *r = front(p)->record;
	size_t size = r->size;

	record_free(r);
	if (p->set.budget)
		budget_release(p->set.budget, size);
	atomic_fetch_sub_explicit(&p->bytes, size, memory_order_relaxed);
	atomic_store_explicit(&p->popped, atomic_load_explicit(&p->popped, memory_order_relaxed) + 1, memory_order_release);
}

static void shed_front(struct publisher *p, enum relay_shed why)
{
	pop(p);
	release_held(p, 1);
	shed(p, why);
}

static int write_record(struct publisher *p, const struct record *r, const char *subject, uint64_t number, bool wants_word)
{
	struct engine_message m = {
		.subject = subject,
		.record = r,
		.source = p->source,
		.number = number,
		.wants_word = wants_word,
	};

	return p->engine->ops->publish(p->engine, &m);
}

/** publish_front() - false: not now */
static bool publish_front(struct publisher *p)
{
	const struct record *r = front(p)->record;
	uint32_t partition = relay_partition(r->id.low, p->partitions);
	char subject[SUBJECT_MAX];
	int err = write_record(p, r, subject_partition(p->service, partition, subject), inflight_next(p->inflight), true);

	if (err == -EMSGSIZE) {
		shed_front(p, RELAY_SHED_TOO_LARGE);
		return true;
	}
	if (err < 0) /* it waits, and grows stale */
		return false;
	inflight_add(p->inflight, partition, p->now);
	counter_add(&p->stats.published, 1);
	counter_add(&p->stats.bytes, r->data_len);
	pop(p);
	return true;
}

/** may_write() - behind what the network has not taken nothing more is written, which would wait there, uncounted, and grow old */
static bool may_write(struct publisher *p, uint64_t since)
{
	return p->was_up && !p->is_clogged && inflight_has_room(p->inflight) &&
	       counter_get(&p->stats.bytes) - since < AT_ONCE_BYTES;
}

/**
 * publish_waiting() - some: where the network is slow, words, heartbeats and what grows stale are not to wait for all of it
 * Return: what there was to do, and could be done.
 */
static enum turn publish_waiting(struct publisher *p)
{
	uint64_t since = counter_get(&p->stats.bytes);
	bool is_stuck = false;
	struct waiting *w;
	size_t n;

	for (n = 0; n < AT_ONCE && !is_stuck && (w = front(p)); n += !is_stuck) {
		if (p->now.ns - w->offered_ns >= RELAY_STALE_NS)
			shed_front(p, RELAY_SHED_STALE);
		else
			is_stuck = !may_write(p, since) || !publish_front(p);
	}
	return n > 0 ? TURN_BUSY : is_stuck ? TURN_STUCK
					    : TURN_IDLE;
}

/* ---- the heartbeat ---------------------------------------------------------------- */

/** facts() - members of JSON, the last that the loop has set */
static struct span facts(struct publisher *p)
{
	struct buffer *facts = atomic_exchange(&p->facts, NULL);

	if (facts) {
		text_free(p->said_facts);
		p->said_facts = facts;
	}
	return p->said_facts ? buffer_span(p->said_facts) : (struct span){ 0 };
}

static void beat(struct publisher *p, struct wall wall, bool is_final)
{
	struct inflight_range refused[INFLIGHT_RANGES];
	struct heartbeat_facts f = {
		.next_sequence = inflight_next(p->inflight),
		.is_final = is_final,
		.stats = &p->stats,
		.refused = refused,
		.refused_count = inflight_refused(p->inflight, refused),
		.clock = wall,
		.members = facts(p),
	};
	char subject[SUBJECT_MAX];
	struct record *r;

	p->next_heartbeat = (struct mono){ p->now.ns + HEARTBEAT_NS };
	if (!p->was_up)
		return;
	buffer_clear(&p->text);
	heartbeat_text(&f, &p->text);
	r = buffer_ok(&p->text) ? record_of_tap(buffer_span(&p->text), wall) : NULL;
	if (r && write_record(p, r, subject_tap(p->service, p->tap, subject), counter_get(&p->stats.heartbeats), false) == 0)
		counter_add(&p->stats.heartbeats, 1);
	record_free(r);
}

/* ---- the thread ------------------------------------------------------------------- */

/** tell_room() - there is some again */
static void tell_room(struct publisher *p)
{
	if (!atomic_load_explicit(&p->wants_room, memory_order_acquire))
		return;
	atomic_store_explicit(&p->wants_room, false, memory_order_release);
	if (publisher_has_room(p)) /* else it wants it again */
		p->set.on_wake(p->set.ctx);
}

void publisher_step(struct publisher *p, struct mono now, struct wall wall)
{
	bool has_taken;

	p->now = now;
	has_taken = p->engine->ops->take(p->engine) > 0; /* first: a lost connection is closed with what came before */
	look_at_connection(p);
	book_trouble(p);
	book_overdue(p, false);
	p->is_clogged = p->is_clogged && p->engine->ops->send(p->engine);
	p->turn = publish_waiting(p);
	if (has_taken)
		p->turn = TURN_BUSY;
	if (is_worth_telling(counter_get(&p->stats.relay_result[RELAY_REFUSED_FULL]), &p->said_full))
		tell(p, "the stream shadowtap_%s is full and refuses what is new; let it discard the oldest, or keep less", p->service);
	if (now.ns >= p->next_heartbeat.ns)
		beat(p, wall, false);
	p->is_clogged = p->engine->ops->send(p->engine);
	tell_room(p);
	counter_set(&p->stats.in_flight, inflight_open(p->inflight));
	counter_set(&p->stats.buffered_bytes, atomic_load_explicit(&p->bytes, memory_order_relaxed));
}

static int64_t end_by(struct publisher *p)
{
	return atomic_load(&p->end_by_ns);
}

/** sleep_until_woken() - by the loop or by the broker, and not for longer than until the next look at all else */
static void sleep_until_woken(struct publisher *p)
{
	uint64_t times;

	atomic_store(&p->sleeps, true);
	if (atomic_load(&p->pushed) == p->popped && end_by(p) == 0) /* see wake_thread() */
		p->engine->ops->wait(p->engine, p->wake_fd, IDLE_NS);
	if (!atomic_exchange(&p->sleeps, false))
		while (read(p->wake_fd, &times, sizeof(times)) < 0 && errno == EINTR) /* it was written, or is right now */
			;
}

static void rest(struct publisher *p)
{
	struct timespec moment = { 0, GATHER_NS };

	if (!p->is_clogged && waiting_count(p) >= MANY)
		return;
	switch (p->turn) {
	case TURN_BUSY:
		nanosleep(&moment, NULL);
		break;
	case TURN_STUCK:
		p->engine->ops->wait(p->engine, p->wake_fd, GATHER_NS);
		break;
	case TURN_IDLE:
		sleep_until_woken(p);
		break;
	}
}

static void finish(struct publisher *p)
{
	p->now = mono_now();
	p->engine->ops->take(p->engine);
	book_overdue(p, true);
	while (front(p))
		shed_front(p, p->was_up ? RELAY_SHED_STALE : RELAY_SHED_DISCONNECTED);
	beat(p, wall_now(), true);
	p->engine->ops->close(p->engine, FLUSH_NS);
	counter_set(&p->stats.in_flight, 0);
	counter_set(&p->stats.buffered_bytes, 0);
}

static void *publisher_main(void *arg)
{
	struct publisher *p = arg;
	int64_t by;

	for (;;) {
		publisher_step(p, mono_now(), wall_now());
		by = end_by(p);
		if (by != 0 && (mono_now().ns >= by || (!front(p) && inflight_open(p->inflight) == 0)))
			break;
		rest(p);
	}
	finish(p);
	atomic_store_explicit(&p->has_ended, true, memory_order_release);
	p->set.on_wake(p->set.ctx);
	return NULL;
}

/* ---- from start to end --------------------------------------------------------------- */

int publisher_new(const struct publisher_options *options, struct publisher **out)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (!p || !(p->inflight = inflight_new())) {
		free(p);
		return -ENOMEM;
	}
	p->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (p->wake_fd < 0) {
		int err = -errno;

		inflight_free(p->inflight);
		free(p);
		return err;
	}
	p->set = *options;
	snprintf(p->service, sizeof(p->service), "%s", options->service);
	snprintf(p->tap, sizeof(p->tap), "%s", options->tap);
	record_source_text(options->tap, options->run, p->source);
	p->partitions = options->partitions;
	p->engine = options->engine;
	p->engine->on_word = on_word;
	p->engine->ctx = p;
	*out = p;
	return 0;
}

void publisher_begin(struct publisher *p, bool up, struct buffer *error)
{
	p->was_up = up;
	counter_set(&p->stats.is_up, up);
	counter_add(&p->stats.connects, up);
	if (!up)
		return;
	p->is_prepared = p->engine->ops->prepare(p->engine, &p->partitions, error) >= 0;
	p->next_prepare = (struct mono){ mono_now().ns + PREPARE_NS };
}

int publisher_start(struct publisher *p)
{
	int err = pthread_create(&p->thread, NULL, publisher_main, p);

	p->has_thread = err == 0;
	return -err;
}

void publisher_end(struct publisher *p, int64_t limit_ns)
{
	atomic_store(&p->end_by_ns, mono_now().ns + limit_ns);
	wake_thread(p);
}

bool publisher_has_ended(const struct publisher *p)
{
	return !p->has_thread || atomic_load_explicit(&((struct publisher *)p)->has_ended, memory_order_acquire);
}

void publisher_stop(struct publisher *p)
{
	if (!p->has_thread)
		return;
	publisher_end(p, 0);
	pthread_join(p->thread, NULL);
	p->has_thread = false;
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	publisher_stop(p);
	while (front(p))
		pop(p);
	p->engine->ops->free(p->engine);
	inflight_free(p->inflight);
	buffer_deinit(&p->text);
	text_free(p->said_facts);
	text_free(p->facts);
	text_free(p->news);
	close(p->wake_fd);
	free(p);
}
