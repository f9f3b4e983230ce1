/*
 * fuzz_admin.c - any bytes at all at --admin, in pieces
 *
 * The first byte says where we listen and how the rest is cut. Every answer is
 * whole, as long as it says, and the same for the same bytes in one piece; the
 * sample changes only where it may, and never at the word of a web page.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/admin_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static void text(void *ctx, struct buffer *out)
{
	buffer_add_str(out, "text\n");
}

static bool healthy(void *ctx, struct buffer *out)
{
	text(ctx, out);
	return true;
}

static uint64_t sample(void *ctx)
{
	return 5;
}

static bool set_sample(void *ctx, uint64_t share, struct buffer *out)
{
	const struct admin_http *h = *(struct admin_http **)ctx;

	must(share <= 1000000000);
	must(h->reach != ADMIN_ANYWHERE && !h->has_origin && h->head_done && h->body_len <= ADMIN_BODY_MAX);
	return true;
}

static const char *decision(void *ctx, struct buffer *out)
{
	text(ctx, out);
	return "promote";
}

static bool reload(void *ctx, struct buffer *out)
{
	const struct admin_http *h = *(struct admin_http **)ctx;

	must(h->reach != ADMIN_ANYWHERE && !h->has_origin && h->head_done);
	text(ctx, out);
	return false;
}

static void check(struct admin_http *h)
{
	const char *response = buffer_text(&h->response), *end = strstr(response, "\r\n\r\n");
	size_t length;

	must(strncmp(response, "HTTP/1.1 ", 9) == 0 && end);
	must(sscanf(strstr(response, "Content-Length:"), "Content-Length: %zu", &length) == 1);
	must(strlen(end + 4) == length || (strlen(end + 4) == 0 && h->parser.method == HTTP_HEAD));
}

/** feed() - a copy of each piece of its own size; up to the first response, whose status is returned, or 0 */
static int feed(enum admin_reach reach, struct span bytes, size_t piece_len)
{
	struct admin_http h, *current = &h;
	struct admin_routes routes = {
		.metrics = text,
		.stats = text,
		.page = text,
		.healthy = healthy,
		.sample = sample,
		.set_sample = set_sample,
		.decision = decision,
		.reload = reload,
		.ctx = &current,
	};
	struct span piece;
	int status = 0;

	admin_http_init(&h, &routes, reach);
	while (h.state == ADMIN_READING && bytes.len > 0) {
		uint8_t *copy;

		if (!span_take(&bytes, bytes.len < piece_len ? bytes.len : piece_len, &piece))
			break;
		copy = malloc(piece.len);
		must(copy != NULL);
		memcpy(copy, piece.at, piece.len);
		admin_http_feed(&h, span_of(copy, piece.len));
		free(copy);
		must(h.fed <= ADMIN_REQUEST_MAX);
	}
	if (h.state == ADMIN_ANSWERED) {
		check(&h);
		status = atoi(buffer_text(&h.response) + 9);
	}
	admin_http_deinit(&h);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	uint8_t how;

	if (!span_u8(&bytes, &how))
		return 0;
	must(feed(how % 3, bytes, bytes.len) == feed(how % 3, bytes, (size_t)how / 3 + 1));
	return 0;
}
