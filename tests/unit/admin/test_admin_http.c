/* test_admin_http.c - what --admin answers to whom */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/admin_http.h"
#include "base/units.h"

static uint64_t share;
static unsigned asked; /* times that the sample was set */
static bool healthy = true, movable = true;

static void metrics(void *ctx, struct buffer *out)
{
	buffer_add_str(out, "a_metric 1\n");
}

static void stats(void *ctx, struct buffer *out)
{
	buffer_add_str(out, "{}\n");
}

static bool is_healthy(void *ctx, struct buffer *out)
{
	buffer_add_str(out, healthy ? "ok\n" : "stopping\n");
	return healthy;
}

static uint64_t sample(void *ctx)
{
	return share;
}

static bool set_sample(void *ctx, uint64_t to, struct buffer *out)
{
	asked++;
	if (movable)
		share = to;
	else
		buffer_add_str(out, "the ramp\n");
	return movable;
}

static const char *decision(void *ctx, struct buffer *out)
{
	buffer_add_str(out, "{\"state\":\"keep_watching\"}\n");
	return "keep_watching";
}

static void page(void *ctx, struct buffer *out)
{
	buffer_add_str(out, "<!DOCTYPE html>\n");
}

static bool reload(void *ctx, struct buffer *out)
{
	asked++;
	buffer_add_str(out, movable ? "read again\n" : "nothing was changed\n");
	return movable;
}

static const struct admin_routes routes = {
	.metrics = metrics,
	.stats = stats,
	.page = page,
	.healthy = is_healthy,
	.sample = sample,
	.set_sample = set_sample,
	.decision = decision,
	.reload = reload,
};

#define LOCAL "Host: 127.0.0.1:9090\r\n"
#define PUT(headers, body) "PUT /sample HTTP/1.1\r\n" LOCAL headers "\r\n" body
#define TEN "Content-Length: 3\r\n"
#define HOOK "Content-Type: application/json\r\nContent-Length: 85\r\n\r\n" \
	"{\"name\":\"m\",\"namespace\":\"models\",\"phase\":\"Progressing\",\"metadata\":{\"token\":\"16688e\"}}"

static const struct request {
	enum admin_reach reach;
	const char *bytes;
	int status;        /* 0: no response yet */
	const char *holds; /* the response does; NULL: whatever */
	bool keep;
	uint64_t share_after; /* 0: as before, 5 % */
} requests[] = {
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.1\r\n" LOCAL "\r\n", 200, "version=0.0.4; charset=utf-8\r\nContent-Length: 11\r\n", true },
	{ ADMIN_LOOPBACK, "GET /metrics?name=x HTTP/1.1\r\n" LOCAL "\r\n", 200, "a_metric 1\n", true },
	{ ADMIN_LOOPBACK, "GET /metrics?name=abcdefghijklmnopqrstuvwxyz0123456789 HTTP/1.1\r\n" LOCAL "\r\n", 200, "a_metric", true },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.0\r\n\r\n", 200, "Connection: close", false },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "Connection: keep-alive", true },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nConnection: close\r\n" LOCAL "\r\n", 200, "application/json", false },
	{ ADMIN_LOOPBACK, "HEAD /metrics HTTP/1.1\r\n" LOCAL "\r\n", 200, "Content-Length: 11\r\n", true },
	{ ADMIN_LOOPBACK, "GET /healthz HTTP/1.1\r\n" LOCAL "\r\n", 200, "ok\n", true },
	{ ADMIN_LOOPBACK, "GET /sample HTTP/1.1\r\n" LOCAL "\r\n", 200, "\r\n\r\n5%\n", true },
	{ ADMIN_LOOPBACK, "\r\nGET /sample HTTP/1.1\r\n" LOCAL "\r\n", 200, "5%\n", true },

	/* the decision, and for who asks by status */
	{ ADMIN_LOOPBACK, "GET /decision HTTP/1.1\r\n" LOCAL "\r\n", 200, "{\"state\":\"keep_watching\"}\n", true },
	{ ADMIN_LOOPBACK, "HEAD /decision HTTP/1.1\r\n" LOCAL "\r\n", 200, "Content-Length: 26\r\n", true },
	{ ADMIN_LOOPBACK, "GET /decision?require=promote HTTP/1.1\r\n" LOCAL "\r\n", 409, "{\"state\":\"keep_watching\"}\n", true },
	{ ADMIN_LOOPBACK, "GET /decision?require=keep_watching HTTP/1.1\r\n" LOCAL "\r\n", 200, "{\"state\"", true },
	{ ADMIN_LOOPBACK, "GET /decision?require=Promote HTTP/1.1\r\n" LOCAL "\r\n", 400, "require=promote", true },
	{ ADMIN_LOOPBACK, "GET /decision?require= HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, true },
	{ ADMIN_LOOPBACK, "GET /decision?require=promote&x=y HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, true },
	{ ADMIN_LOOPBACK, "GET /decision? HTTP/1.1\r\n" LOCAL "\r\n", 400, NULL, true },
	{ ADMIN_ANYWHERE, "POST /decision?require=promote HTTP/1.1\r\nHost: tap.models\r\n" HOOK, 409, "{\"state\"", true },
	{ ADMIN_ANYWHERE, "POST /decision?require=keep_watching HTTP/1.1\r\nHost: tap.models\r\n" HOOK, 200, "{\"state\"", true },
	{ ADMIN_ANYWHERE, "POST /decision HTTP/1.1\r\nHost: tap.models\r\nContent-Length: 8593\r\n\r\n", 413, NULL, false },
	{ ADMIN_LOOPBACK, "POST /decision HTTP/1.1\r\nHost: evil.example\r\n" HOOK, 403, NULL, false },
	{ ADMIN_LOOPBACK, "PUT /decision HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: GET, HEAD, POST\r\n", true },

	/* the page, which loads nothing, and which the browser asks for again */
	{ ADMIN_ANYWHERE, "GET / HTTP/1.1\r\nHost: tap.models\r\n\r\n", 200, "text/html; charset=utf-8\r\nContent-Length: 16\r\n", true },
	{ ADMIN_LOOPBACK, "GET / HTTP/1.1\r\n" LOCAL "\r\n", 200, "Content-Security-Policy: default-src 'none'; ", true },
	{ ADMIN_LOOPBACK, "GET /?x HTTP/1.1\r\n" LOCAL "\r\n", 200, "frame-ancestors 'none'\r\n", true },
	{ ADMIN_LOOPBACK, "HEAD / HTTP/1.1\r\n" LOCAL "\r\n", 200, "\r\nRefresh: 5\r\n", true },
	{ ADMIN_LOOPBACK, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "POST / HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: GET, HEAD\r\n", true },

	/* the configuration again: as the sample, from here alone, and from no page */
	{ ADMIN_LOOPBACK, "POST /reload HTTP/1.1\r\n" LOCAL "Content-Length: 0\r\n\r\n", 200, "read again\n", true },
	{ ADMIN_UNIX, "POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200, "read again\n", true },
	{ ADMIN_ANYWHERE, "POST /reload HTTP/1.1\r\n" LOCAL "Content-Length: 0\r\n\r\n", 403, "a loopback address or a Unix", true },
	{ ADMIN_LOOPBACK, "POST /reload HTTP/1.1\r\n" LOCAL "Origin: null\r\nContent-Length: 0\r\n\r\n", 403, "web page", true },
	{ ADMIN_LOOPBACK, "POST /reload HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "GET /reload HTTP/1.1\r\n" LOCAL "\r\n", 405, "Allow: POST\r\n", true },
	{ ADMIN_LOOPBACK, "PUT /reload HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: POST\r\n", true },

	/* what there is not */
	{ ADMIN_LOOPBACK, "GET /x HTTP/1.1\r\n" LOCAL "\r\n", 404, "/metrics, /healthz", true },
	{ ADMIN_LOOPBACK, "GET /metrics/ HTTP/1.1\r\n" LOCAL "\r\n", 404, NULL, true },
	{ ADMIN_LOOPBACK, "GET /metric HTTP/1.1\r\n" LOCAL "\r\n", 404, NULL, true },
	{ ADMIN_LOOPBACK, "GET //metrics HTTP/1.1\r\n" LOCAL "\r\n", 404, NULL, true },
	{ ADMIN_LOOPBACK, "GET http://127.0.0.1/metrics HTTP/1.1\r\n" LOCAL "\r\n", 404, NULL, true },
	{ ADMIN_LOOPBACK, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n" LOCAL "\r\n", 404, NULL, true },
	{ ADMIN_LOOPBACK, "POST /metrics HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: GET, HEAD\r\n", true },
	{ ADMIN_LOOPBACK, "PUT /metrics HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: GET, HEAD\r\n", true },
	{ ADMIN_LOOPBACK, "POST /sample HTTP/1.1\r\n" LOCAL TEN "\r\n10%", 405, "Allow: GET, HEAD, PUT\r\n", true },
	{ ADMIN_LOOPBACK, "OPTIONS /sample HTTP/1.1\r\n" LOCAL "Origin: http://x\r\n\r\n", 405, NULL, true },
	{ ADMIN_LOOPBACK, "DELETE /sample HTTP/1.1\r\n" LOCAL "\r\n", 405, NULL, true },

	/* the sample */
	{ ADMIN_LOOPBACK, PUT(TEN, "10%"), 200, "\r\n\r\n10%\n", true, SHARE_ONE / 10 },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 6\r\n", "0.25\r\n"), 200, "25%\n", true, SHARE_ONE / 4 },
	{ ADMIN_LOOPBACK, PUT("Transfer-Encoding: chunked\r\n", "2\r\n10\r\n1;x=y\r\n%\r\n0\r\n\r\n"), 200, "10%\n", true, SHARE_ONE / 10 },
	{ ADMIN_LOOPBACK, PUT(TEN "Connection: close\r\n", "10%"), 200, "10%\n", false, SHARE_ONE / 10 },
	{ ADMIN_UNIX, PUT(TEN, "10%"), 200, NULL, true, SHARE_ONE / 10 },
	{ ADMIN_UNIX, "PUT /sample HTTP/1.1\r\nHost: anything\r\n" TEN "\r\n10%", 200, NULL, true, SHARE_ONE / 10 },
	{ ADMIN_LOOPBACK, "PUT /sample HTTP/1.1\r\nHost: [::1]:9090\r\n" TEN "\r\n10%", 200, NULL, true, SHARE_ONE / 10 },
	{ ADMIN_LOOPBACK, "PUT /sample HTTP/1.1\r\nhOST: LocalHost:9090\r\n" TEN "\r\n10%", 200, NULL, true, SHARE_ONE / 10 },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 2\r\n", "10"), 400, "5% or 0.05", true },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 4\r\n", "101%"), 400, NULL, true },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 2\r\n", "-1"), 400, NULL, true },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 0\r\n", ""), 400, NULL, true },
	{ ADMIN_LOOPBACK, PUT("", ""), 400, NULL, true },

	/* who may not */
	{ ADMIN_ANYWHERE, PUT(TEN, "10%"), 403, "loopback", true },
	{ ADMIN_ANYWHERE, "GET /sample HTTP/1.1\r\nHost: tap.example\r\n\r\n", 200, "5%", true },
	{ ADMIN_LOOPBACK, PUT("Origin: http://evil.example\r\n" TEN, "10%"), 403, "web page", true },
	{ ADMIN_LOOPBACK, PUT("ORIGIN: null\r\n" TEN, "10%"), 403, "web page", true },
	{ ADMIN_LOOPBACK, PUT("Origin : null\r\n" TEN, "10%"), 400, NULL, false },
	{ ADMIN_LOOPBACK, PUT("A-Name-That-Is-None-Of-Ours\t: x\r\n" TEN, "10%"), 400, NULL, false },
	{ ADMIN_UNIX, PUT("Origin: null\r\n" TEN, "10%"), 403, "web page", true },
	{ ADMIN_LOOPBACK, "PUT /sample HTTP/1.1\r\nHost: evil.example\r\n" TEN "\r\n10%", 403, "Host is a name", false },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nHost: evil.example:9090\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nHost: localhost@evil\r\n\r\n", 403, NULL, false },
	{ ADMIN_LOOPBACK, "GET /stats HTTP/1.1\r\nHost:\r\n\r\n", 403, NULL, false },

	/* what is no HTTP */
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.1\r\n\r\n", 400, NULL, false },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.1\r\n" LOCAL LOCAL "\r\n", 400, NULL, false },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/2.0\r\n" LOCAL "\r\n", 400, NULL, false },
	{ ADMIN_LOOPBACK, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NULL, false },
	{ ADMIN_LOOPBACK, "GET /metrics\r\n\r\n", 400, NULL, false },
	{ ADMIN_LOOPBACK, "\x16\x03\x01\x02\x00\x01\x00", 400, NULL, false },
	{ ADMIN_LOOPBACK, PUT(TEN "Transfer-Encoding: chunked\r\n", "3\r\n10%\r\n0\r\n\r\n"), 400, NULL, false },
	{ ADMIN_LOOPBACK, PUT(TEN TEN, "10%"), 400, NULL, false },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 99999999999999999999999\r\n", ""), 400, NULL, false },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.1\r\nHost : evil\r\n" LOCAL "\r\n", 400, NULL, false },

	/* too much, or too early */
	{ ADMIN_LOOPBACK, PUT("Content-Length: 65\r\n", ""), 413, NULL, false },
	{ ADMIN_LOOPBACK, PUT("Content-Length: 1000000000\r\n", "x"), 413, NULL, false },
	{ ADMIN_LOOPBACK, PUT("Transfer-Encoding: chunked\r\n", "40000\r\n0000000000000000000000000000000000000000000000000000000000000000000000000000"),
	  413, NULL, false },
	{ ADMIN_LOOPBACK, PUT(TEN "Expect: 100-continue\r\n", "10%"), 417, NULL, false },
	{ ADMIN_LOOPBACK, "GET /metrics HTTP/1.1\r\n" LOCAL, 0 },
	{ ADMIN_LOOPBACK, PUT(TEN, "10"), 0 },
};

static int status_of(struct admin_http *h)
{
	int status = 0;

	if (h->state == ADMIN_ANSWERED)
		assert_int_equal(sscanf(buffer_text(&h->response), "HTTP/1.1 %d ", &status), 1);
	return status;
}

static void check_length(struct admin_http *h, bool to_head)
{
	const char *text = buffer_text(&h->response), *end = strstr(text, "\r\n\r\n");
	size_t length;

	assert_non_null(end);
	assert_int_equal(sscanf(strstr(text, "Content-Length:"), "Content-Length: %zu", &length), 1);
	assert_int_equal(strlen(end + 4), to_head ? 0 : length);
}

static void check_request(const struct request *r, size_t piece_len)
{
	struct admin_http h;
	struct span bytes = span_str(r->bytes), piece;

	share = SHARE_ONE / 20;
	admin_http_init(&h, &routes, r->reach);
	while (span_take(&bytes, bytes.len < piece_len ? bytes.len : piece_len, &piece) && piece.len > 0)
		admin_http_feed(&h, piece);
	if (status_of(&h) != r->status)
		fail_msg("%.60s: %d, not %d", r->bytes, status_of(&h), r->status);
	if (r->status) {
		check_length(&h, strncmp(r->bytes, "HEAD", 4) == 0);
		assert_int_equal(h.keep, r->keep);
		assert_non_null(strstr(buffer_text(&h.response), r->keep ? "Connection: keep-alive" : "Connection: close"));
		assert_null(strstr(buffer_text(&h.response), "Access-Control"));
	}
	if (r->holds && !strstr(buffer_text(&h.response), r->holds))
		fail_msg("%.60s: %s", r->bytes, buffer_text(&h.response));
	assert_int_equal(share, r->share_after ? r->share_after : SHARE_ONE / 20);
	admin_http_deinit(&h);
}

/* Whole, and byte by byte: where a read() ends says nothing. */
static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		for (size_t piece = 1; piece < 200; piece = piece * 3 + 1)
			check_request(&requests[i], piece);
}

/* A NUL in the body is no end of it. */
static void test_nul(void **state)
{
	static const char bytes[] = PUT("Content-Length: 4\r\n", "10%\0");
	struct admin_http h;

	(void)state;
	admin_http_init(&h, &routes, ADMIN_LOOPBACK);
	admin_http_feed(&h, span_of(bytes, sizeof(bytes) - 1));
	assert_int_equal(status_of(&h), 400);
	admin_http_deinit(&h);
}

static void test_huge_head(void **state)
{
	struct buffer head = { 0 };
	struct admin_http h;

	(void)state;
	buffer_add_str(&head, "GET /metrics HTTP/1.1\r\n" LOCAL);
	while (head.len < ADMIN_HEAD_MAX)
		buffer_add_str(&head, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	buffer_add_str(&head, "\r\n");
	admin_http_init(&h, &routes, ADMIN_LOOPBACK);
	admin_http_feed(&h, buffer_span(&head));
	assert_int_equal(status_of(&h), 431);
	assert_false(h.keep);
	admin_http_deinit(&h);

	/* one header that never ends, and a target that never ends */
	for (int i = 0; i < 2; i++) {
		buffer_clear(&head);
		buffer_add_str(&head, i ? "GET /" : "GET / HTTP/1.1\r\nX: ");
		while (head.len < 3 * ADMIN_HEAD_MAX)
			buffer_add_str(&head, "aaaaaaaaaaaaaaaa");
		admin_http_init(&h, &routes, ADMIN_LOOPBACK);
		admin_http_feed(&h, buffer_span(&head));
		assert_int_equal(status_of(&h), 431);
		assert_true(h.fed <= ADMIN_HEAD_MAX);
		admin_http_deinit(&h);
	}
	buffer_deinit(&head);
}

/* The framing of a chunked body has a bound too, and its trailers. */
static void test_huge_framing(void **state)
{
	static const char *const endless[] = { "1;", "0\r\nX: " };
	struct buffer bytes = { 0 };
	struct admin_http h;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		buffer_clear(&bytes);
		buffer_add_str(&bytes, PUT("Transfer-Encoding: chunked\r\n", ""));
		buffer_add_str(&bytes, endless[i]);
		while (bytes.len < 2 * ADMIN_REQUEST_MAX)
			buffer_add_str(&bytes, "aaaaaaaaaaaaaaaa");
		admin_http_init(&h, &routes, ADMIN_LOOPBACK);
		admin_http_feed(&h, buffer_span(&bytes));
		assert_int_equal(status_of(&h), 413);
		admin_http_deinit(&h);
	}
	buffer_deinit(&bytes);
}

static void test_connection(void **state)
{
	static const char get[] = "GET /sample HTTP/1.1\r\n" LOCAL "\r\n";
	struct admin_http h;
	unsigned n;

	(void)state;
	admin_http_init(&h, &routes, ADMIN_LOOPBACK);
	for (n = 1; n < 1000; n++) {
		assert_int_equal(admin_http_feed(&h, span_str(get)), ADMIN_ANSWERED);
		if (!h.keep)
			break;
		admin_http_next(&h);
	}
	assert_int_equal(n, ADMIN_REQUESTS_MAX);
	admin_http_deinit(&h);

	/* two requests at once: one answer, and the end */
	admin_http_init(&h, &routes, ADMIN_LOOPBACK);
	admin_http_feed(&h, span_str("GET /sample HTTP/1.1\r\n" LOCAL "\r\nGET /sample HTTP/1.1\r\n" LOCAL "\r\n"));
	assert_int_equal(status_of(&h), 200);
	assert_false(h.keep);
	admin_http_deinit(&h);
}

static void test_unwell(void **state)
{
	struct admin_http h;

	(void)state;
	healthy = movable = false;
	asked = 0;
	admin_http_init(&h, &routes, ADMIN_LOOPBACK);
	admin_http_feed(&h, span_str("GET /healthz HTTP/1.1\r\n" LOCAL "\r\n"));
	assert_int_equal(status_of(&h), 503);
	assert_non_null(strstr(buffer_text(&h.response), "\r\n\r\nstopping\n"));
	admin_http_next(&h);
	admin_http_feed(&h, span_str(PUT(TEN, "10%")));
	assert_int_equal(status_of(&h), 409);
	assert_non_null(strstr(buffer_text(&h.response), "the ramp"));
	admin_http_deinit(&h);
	assert_int_equal(asked, 1);

	/* one too many: told so, and nothing is done */
	admin_http_init(&h, NULL, ADMIN_LOOPBACK);
	admin_http_feed(&h, span_str(PUT(TEN, "10%")));
	assert_int_equal(status_of(&h), 503);
	assert_non_null(strstr(buffer_text(&h.response), "Retry-After: 1"));
	assert_int_equal(asked, 1);
	admin_http_deinit(&h);
	healthy = movable = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),     cmocka_unit_test(test_nul),        cmocka_unit_test(test_huge_head),
		cmocka_unit_test(test_huge_framing), cmocka_unit_test(test_connection), cmocka_unit_test(test_unwell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
