/* test_prober.c - targets asked once: one that responds, a closed port, the sink, and one that is production */
#include "tests/rig/run_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "app/doctor/prober.h"

/* a port of loopback that is ours: without listening it is closed */
struct port {
	int fd;
	uint16_t number;
	char url[64];
	char head[2048]; /* of the request that came */
};

static void port_take(struct port *p, bool listens)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &len), 0);
	if (listens)
		assert_int_equal(listen(p->fd, 1), 0);
	p->number = ntohs(at.sin_port);
	snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u/base", p->number);
}

static const char *paths[TARGETS_MAX];

static int ask(const struct options *o, const struct narrow_view *seen, struct probe *probes)
{
	const struct prober_settings set = {
		.targets = o->targets,
		.target_count = o->target_count,
		.tls = o->tls,
		.max_time_ns = o->max_time_ns,
		.may_be_production = o->target_is_production,
		.paths = paths,
	};
	struct buffer error = { 0 };
	int err = prober_ask(&set, seen, probes, &error);

	buffer_deinit(&error);
	return err;
}

static void *respond(void *arg)
{
	static const char response[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\nConnection: close\r\n\r\n";
	struct port *p = arg;
	int fd = accept(p->fd, NULL, NULL);
	size_t len = 0;
	ssize_t n;

	while (!strstr(p->head, "\r\n\r\n") && (n = read(fd, p->head + len, sizeof(p->head) - 1 - len)) > 0)
		len += (size_t)n;
	n = write(fd, response, sizeof(response) - 1);
	close(fd);
	return NULL;
}

/* A HEAD of the base, with our marks and no credentials; a response of any status says that the way there works. */
static void test_responds(void **state)
{
	struct narrow_view seen = { .server_count = 0 };
	struct port p = { .fd = -1 };
	struct probe probe;
	struct options o;
	pthread_t server;

	(void)state;
	port_take(&p, true);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", p.url);
	assert_int_equal(pthread_create(&server, NULL, respond, &p), 0);
	assert_int_equal(ask(&o, &seen, &probe), 0);
	pthread_join(server, NULL);
	assert_int_equal(probe.kind, OUTCOME_ANSWERED_4XX);
	assert_int_equal(probe.status_code, 401);
	assert_false(probe.skipped || probe.is_production);
	assert_memory_equal(p.head, "HEAD /base", 10);
	assert_non_null(strstr(p.head, "\r\nX-Shadowtap: doctor\r\n"));
	assert_non_null(strstr(p.head, "\r\nUser-Agent: shadowtap/"));
	assert_null(strcasestr(p.head, "\r\nAuthorization:"));
	close(p.fd);
	options_deinit(&o);
}

/* A path that was seen is asked for as a replay would write it: what makes it has put the prefix there. */
static void test_asks_for_a_path(void **state)
{
	struct narrow_view seen = { .server_count = 0 };
	struct port p = { .fd = -1 };
	struct probe probe;
	struct options o;
	pthread_t server;

	(void)state;
	port_take(&p, true);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", p.url);
	paths[0] = "/base/v1/x";
	assert_int_equal(pthread_create(&server, NULL, respond, &p), 0);
	assert_int_equal(ask(&o, &seen, &probe), 0);
	pthread_join(server, NULL);
	assert_memory_equal(p.head, "HEAD /base/v1/x HTTP/1.1\r\n", 26);
	assert_string_equal(probe.path, "/base/v1/x");
	paths[0] = NULL;
	close(p.fd);
	options_deinit(&o);
}

/* The sink has nothing to be asked, and the probe of a closed port is its own. */
static void test_closed_and_sink(void **state)
{
	struct narrow_view seen = { .server_count = 0 };
	struct port p = { .fd = -1 };
	struct probe probes[2];
	struct options o;
	char closed[80];

	(void)state;
	port_take(&p, false);
	snprintf(closed, sizeof(closed), "b=%s", p.url);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "a=sink:", "-t", closed);
	assert_int_equal(ask(&o, &seen, probes), 0);
	assert_string_equal(probes[0].name, "a");
	assert_true(probes[0].skipped);
	assert_string_equal(probes[1].name, "b");
	assert_false(probes[1].skipped);
	assert_int_equal(probes[1].kind, OUTCOME_FAILED_CONNECT);
	assert_int_equal(probes[1].status_code, 0);
	close(p.fd);
	options_deinit(&o);
}

/* Where requests of the recording went, nothing is sent. */
static void test_production(void **state)
{
	struct narrow_view seen = { .server_count = 1 };
	struct port p = { .fd = -1 };
	struct probe probe;
	struct options o;

	(void)state;
	port_take(&p, false);
	endpoint_set_ipv4(&seen.server[0], INADDR_LOOPBACK, p.number);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", p.url);
	assert_int_equal(ask(&o, &seen, &probe), 0);
	assert_true(probe.is_production);
	assert_int_equal(probe.server.port, p.number);
	options_deinit(&o);
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", p.url, "--target-is-production");
	assert_int_equal(ask(&o, &seen, &probe), 0);
	assert_false(probe.is_production);
	assert_int_equal(probe.kind, OUTCOME_FAILED_CONNECT);
	close(p.fd);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responds),
		cmocka_unit_test(test_asks_for_a_path),
		cmocka_unit_test(test_closed_and_sink),
		cmocka_unit_test(test_production),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
