/*
 * resolve.c - see resolve.h
 *
 * Theory of operation: a name is looked up at the start, every 30 s, and after
 * failures to connect, at most once a second. The addresses found last stay in
 * use until a lookup finds others, so a name server that is down is noticed in
 * a counter and nowhere else.
 *
 * Each lookup runs on a detached thread, not in libuv's pool: getaddrinfo()
 * can take half a minute when a name server is gone, it cannot be cancelled,
 * and uv_run() would wait for it at exit. A lookup whose owner is gone
 * is an orphan: its thread frees it. The lock decides who came first.
 */
#include "replay/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/log.h"

#define REFRESH_MS 30000
#define REFRESH_LEAST_NS NS_PER_S

struct lookup {
	pthread_mutex_t lock;   /* guards owner and ended */
	struct resolver *owner; /* NULL: an orphan */
	bool ended;
	lookup_fn fn;
	char host[256];
	uint16_t port;
	int error; /* EAI_ code; valid once ended, as is found */
	struct addresses found;
};

struct resolver {
	struct resolver_options options;
	char host[256];
	bool is_fixed; /* a numeric host, or a Unix socket */
	struct addresses addresses;
	size_t preferred;
	const char *failure;
	struct lookup *running;
	struct mono began;
	uv_async_t ended;
	uv_timer_t refresh;
	bool is_closed;
};

static int lookup_with(const char *host, uint16_t port, int flags, struct addresses *out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	out->count = 0;
	r = getaddrinfo(host, service, &hints, &list);
	if (r != 0)
		return r;
	for (struct addrinfo *i = list; i && out->count < ADDRESSES_MAX; i = i->ai_next) {
		if ((i->ai_family != AF_INET && i->ai_family != AF_INET6) || i->ai_addrlen > sizeof(out->at[0]))
			continue;
		memcpy(&out->at[out->count++], i->ai_addr, i->ai_addrlen);
	}
	freeaddrinfo(list);
	return out->count > 0 ? 0 : EAI_NONAME;
}

int lookup_numeric(const char *host, uint16_t port, struct addresses *out)
{
	return lookup_with(host, port, AI_NUMERICHOST, out);
}

static int lookup_system(const char *host, uint16_t port, struct addresses *out)
{
	return lookup_with(host, port, AI_ADDRCONFIG, out);
}

static void lookup_free(struct lookup *l)
{
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *lookup_thread(void *arg)
{
	struct lookup *l = arg;
	bool is_orphan;

	l->error = l->fn(l->host, l->port, &l->found);
	pthread_mutex_lock(&l->lock);
	is_orphan = !l->owner;
	l->ended = true;
	if (!is_orphan)
		uv_async_send(&l->owner->ended);
	pthread_mutex_unlock(&l->lock);
	if (is_orphan)
		lookup_free(l);
	return NULL;
}

/** start_thread() - detached and deaf to signals from outside: those are for the main thread */
static int start_thread(struct lookup *l)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	sigdelset(&all, SIGSYS); /* how the sandbox says that a call is refused: to the thread that made it */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, lookup_thread, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

static int begin_lookup(struct resolver *r, struct mono now)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int err;

	r->began = now;
	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->owner = r;
	l->fn = r->options.lookup;
	l->port = r->options.port;
	snprintf(l->host, sizeof(l->host), "%s", r->host);
	err = start_thread(l);
	if (err < 0)
		lookup_free(l);
	else
		r->running = l;
	return err;
}

/** take_found() - use what @l found, and keep preferring the address that worked */
static void take_found(struct resolver *r, const struct lookup *l)
{
	struct sockaddr_storage worked = r->addresses.at[r->preferred];

	r->failure = NULL;
	r->addresses = l->found;
	r->preferred = 0;
	for (size_t i = 0; i < r->addresses.count; i++)
		if (memcmp(&r->addresses.at[i], &worked, sizeof(worked)) == 0)
			r->preferred = i;
}

static void on_lookup_ended(uv_async_t *handle)
{
	struct resolver *r = handle->data;
	struct lookup *l = r->running;
	bool ended;

	if (!l || r->is_closed)
		return;
	pthread_mutex_lock(&l->lock);
	ended = l->ended;
	pthread_mutex_unlock(&l->lock);
	if (!ended)
		return;
	r->running = NULL;
	if (l->error == 0) {
		take_found(r, l);
	} else {
		r->failure = gai_strerror(l->error);
		counter_add(r->options.failures, 1);
		log_debug("cannot resolve %s: %s; %zu addresses stay in use", r->host, r->failure,
			  r->addresses.count);
	}
	lookup_free(l);
	r->options.on_done(r->options.ctx);
}

static void on_refresh(uv_timer_t *timer)
{
	resolver_refresh(timer->data, mono_now());
}

/** take_path() - the one address of a Unix socket; the path was measured when the options were read */
static bool take_path(const char *path, struct addresses *out)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	memset(out, 0, sizeof(*out));
	memcpy(&out->at[0], &un, sizeof(un));
	out->count = 1;
	return true;
}

int resolver_new(uv_loop_t *loop, const struct resolver_options *options, struct resolver **out)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->options = *options;
	if (!r->options.lookup)
		r->options.lookup = lookup_system;
	snprintf(r->host, sizeof(r->host), "%s", options->host);
	r->is_fixed = options->path && options->path[0]
			      ? take_path(options->path, &r->addresses)
			      : lookup_numeric(r->host, options->port, &r->addresses) == 0;
	err = uv_async_init(loop, &r->ended, on_lookup_ended);
	if (err < 0) {
		free(r);
		return err;
	}
	uv_timer_init(loop, &r->refresh);
	r->ended.data = r->refresh.data = r;
	if (!r->is_fixed) {
		/* Begun by the loop: a thread that is older than the drop of privileges would keep them. */
		uv_timer_start(&r->refresh, on_refresh, 0, REFRESH_MS);
	}
	*out = r;
	return 0;
}

const struct addresses *resolver_addresses(const struct resolver *r)
{
	return &r->addresses;
}

size_t resolver_preferred(const struct resolver *r)
{
	return r->preferred;
}

void resolver_prefer(struct resolver *r, size_t index)
{
	if (index < r->addresses.count)
		r->preferred = index;
}

bool resolver_is_pending(const struct resolver *r)
{
	return r->running != NULL;
}

const char *resolver_failure(const struct resolver *r)
{
	return r->failure;
}

void resolver_refresh(struct resolver *r, struct mono now)
{
	if (r->is_fixed || r->running || r->is_closed)
		return;
	if (r->began.ns != 0 && now.ns - r->began.ns < REFRESH_LEAST_NS)
		return;
	if (begin_lookup(r, now) < 0) {
		r->failure = "no thread for the lookup";
		counter_add(r->options.failures, 1);
	}
}

void resolver_close(struct resolver *r)
{
	struct lookup *l = r->running;
	bool ended;

	if (r->is_closed)
		return;
	r->is_closed = true;
	r->running = NULL;
	if (l) {
		pthread_mutex_lock(&l->lock);
		ended = l->ended;
		l->owner = NULL;
		pthread_mutex_unlock(&l->lock);
		if (ended)
			lookup_free(l);
	}
	uv_close((uv_handle_t *)&r->ended, NULL);
	uv_close((uv_handle_t *)&r->refresh, NULL);
}

void resolver_free(struct resolver *r)
{
	free(r);
}
