/*
 * pace.c - a load of so many requests a second, whatever the server does
 *
 * usage: pace ADDRESS PORT RATE CONNECTIONS BODY_BYTES SECONDS
 *
 * Request n is due at start + n / RATE, goes out on a connection that is free
 * then or on the first that becomes free, and its latency counts from when it
 * was due: a server that stalls delays all that come meanwhile, and that has to
 * show. Each has its number in x-request-id, so that it is known again at the
 * shadow. One line of JSON on stdout: sent, answered, latency in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define REST_NS 2000000000

struct load {
	int epoll, timer;
	int sockets[CONNECTIONS_MAX];
	int64_t due[CONNECTIONS_MAX]; /* of the request that is under way */
	int idle[CONNECTIONS_MAX];    /* a stack */
	int idle_count;
	int64_t start, interval_ps;
	uint64_t total, sent, answered;
	uint32_t *latency_us;
	char *request;
	size_t head_len, body_len;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t due_ns(const struct load *l, uint64_t n)
{
	return l->start + (int64_t)((__int128)n * l->interval_ps / 1000);
}

static void begin(struct load *l, const char *address, const char *port, int count)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int on = 1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		fail(address);
	for (int i = 0; i < count; i++) {
		struct epoll_event wanted = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		l->sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (l->sockets[i] < 0 || connect(l->sockets[i], (struct sockaddr *)&to, sizeof(to)) < 0)
			fail("connect");
		setsockopt(l->sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->sockets[i], &wanted);
		l->idle[l->idle_count++] = i;
	}
}

/* The number has ten digits, at a place that is known. */
static void send_one(struct load *l, int64_t due)
{
	int i = l->idle[--l->idle_count];
	char digits[24];
	ssize_t n;

	snprintf(digits, sizeof(digits), "%010llu", (unsigned long long)l->sent);
	memcpy(l->request + l->head_len - 4 - 10, digits, 10);
	l->due[i] = due;
	l->sent++;
	n = send(l->sockets[i], l->request, l->head_len + l->body_len, MSG_NOSIGNAL);
	if (n != (ssize_t)(l->head_len + l->body_len))
		fail("send");
}

static void response(struct load *l, int i)
{
	char bytes[4096];
	ssize_t n = recv(l->sockets[i], bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		fail("the server closed a connection");
	if (n < 12 || memcmp(bytes + 8, " 200", 4) != 0)
		fail("not a 200"); /* short answers come whole */
	l->latency_us[l->answered++] = (uint32_t)((now_ns() - l->due[i]) / 1000);
	l->idle[l->idle_count++] = i;
}

static void send_due(struct load *l)
{
	int64_t now = now_ns();

	while (l->sent < l->total && l->idle_count > 0 && due_ns(l, l->sent) <= now)
		send_one(l, due_ns(l, l->sent));
	if (l->sent < l->total && l->idle_count > 0) {
		int64_t next = due_ns(l, l->sent);
		struct itimerspec at = { .it_value = { next / 1000000000, next % 1000000000 } };

		timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &at, NULL);
	}
}

static void run(struct load *l)
{
	struct epoll_event events[256], tick = { .events = EPOLLIN, .data.u32 = CONNECTIONS_MAX };
	int64_t end = due_ns(l, l->total) + REST_NS;

	epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &tick);
	while (l->answered < l->total && now_ns() < end) {
		int count;

		send_due(l);
		count = epoll_wait(l->epoll, events, 256, 100);
		for (int i = 0; i < count; i++) {
			uint64_t times;

			if (events[i].data.u32 < CONNECTIONS_MAX)
				response(l, (int)events[i].data.u32);
			else if (read(l->timer, &times, sizeof(times)) < 0 && errno != EAGAIN)
				fail("timer");
		}
	}
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t quantile(const struct load *l, double q)
{
	return l->answered ? l->latency_us[(uint64_t)((double)(l->answered - 1) * q)] : 0;
}

int main(int argc, char **argv)
{
	static struct load l;
	int64_t took;

	if (argc != 7 || atoi(argv[4]) < 1 || atoi(argv[4]) > CONNECTIONS_MAX || atof(argv[3]) <= 0) {
		fprintf(stderr, "usage: pace ADDRESS PORT RATE CONNECTIONS BODY_BYTES SECONDS\n");
		return 2;
	}
	l.epoll = epoll_create1(0);
	l.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	l.interval_ps = (int64_t)(1e12 / atof(argv[3]));
	l.total = (uint64_t)(atof(argv[3]) * atof(argv[6]));
	l.body_len = (size_t)atol(argv[5]);
	l.latency_us = calloc(l.total + 1, sizeof(*l.latency_us));
	l.request = malloc(512 + l.body_len);
	if (!l.latency_us || !l.request)
		fail("malloc");
	l.head_len = (size_t)snprintf(l.request, 512,
				      "POST /v1/models/bench:predict HTTP/1.1\r\nHost: model\r\n"
				      "Content-Type: application/json\r\nContent-Length: %zu\r\n"
				      "x-request-id: %010d\r\n\r\n",
				      l.body_len, 0);
	memset(l.request + l.head_len, 'x', l.body_len);
	begin(&l, argv[1], argv[2], atoi(argv[4]));
	l.start = now_ns() + 10000000;
	run(&l);
	took = now_ns() - l.start;
	qsort(l.latency_us, l.answered, sizeof(*l.latency_us), by_size);
	printf("{\"sent\":%llu,\"answered\":%llu,\"seconds\":%.3f,\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u}\n",
	       (unsigned long long)l.sent, (unsigned long long)l.answered, (double)took / 1e9, quantile(&l, 0.5),
	       quantile(&l, 0.99), quantile(&l, 0.999), quantile(&l, 1));
	return 0;
}
