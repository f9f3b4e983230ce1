/* grpc.c - see grpc.h */
#include "message/grpc.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

static const char *const status_names[] = {
#define X(id) #id,
	GRPC_STATUSES(X)
#undef X
};

const char *grpc_status_name(enum grpc_status status)
{
	return status >= 0 && status < GRPC_STATUS_COUNT ? status_names[status] : status_names[GRPC_UNKNOWN];
}

bool grpc_status_named(struct span name, enum grpc_status *out)
{
	for (int i = 0; i < GRPC_STATUS_COUNT; i++) {
		if (span_equal(name, span_str(status_names[i]))) {
			*out = (enum grpc_status)i;
			return true;
		}
	}
	return false;
}

enum grpc_status grpc_status_parse(struct span value)
{
	unsigned n = 0;

	if (value.len == 0)
		return GRPC_STATUS_NONE;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return GRPC_STATUS_NONE;
		if (n < GRPC_STATUS_COUNT)
			n = n * 10 + (value.at[i] - '0');
	}
	return n < GRPC_STATUS_COUNT ? (enum grpc_status)n : GRPC_UNKNOWN;
}

enum grpc_status grpc_status_of_http(int status_code)
{
	switch (status_code) {
	case 400:
	case 431:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

bool grpc_status_is_unwell(enum grpc_status status)
{
	return status == GRPC_UNKNOWN || status == GRPC_DEADLINE_EXCEEDED || status == GRPC_UNIMPLEMENTED ||
	       status == GRPC_INTERNAL || status == GRPC_UNAVAILABLE || status == GRPC_DATA_LOSS;
}

/* From the finest unit: what has at most eight digits in it is said in it. */
static const struct {
	char letter;
	int64_t ns;
} units[] = {
	{ 'n', 1 },
	{ 'u', NS_PER_US },
	{ 'm', NS_PER_MS },
	{ 'S', NS_PER_S },
	{ 'M', 60 * NS_PER_S },
	{ 'H', 3600 * NS_PER_S },
};

#define UNITS (sizeof(units) / sizeof(units[0]))
#define TIMEOUT_DIGITS_MAX 99999999

int64_t grpc_timeout_ns(struct span value)
{
	int64_t n = 0;

	if (value.len < 2 || value.len >= GRPC_TIMEOUT_TEXT_MAX)
		return -1;
	for (size_t i = 0; i + 1 < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return -1;
		n = n * 10 + (value.at[i] - '0');
	}
	for (size_t i = 0; i < UNITS; i++)
		if (value.at[value.len - 1] == (uint8_t)units[i].letter)
			return n > INT64_MAX / units[i].ns ? INT64_MAX : n * units[i].ns;
	return -1;
}

const char *grpc_timeout_text(int64_t ns, char out[GRPC_TIMEOUT_TEXT_MAX])
{
	size_t unit = 0;
	int64_t n;

	while (unit + 1 < UNITS && ns / units[unit].ns > TIMEOUT_DIGITS_MAX)
		unit++;
	n = ns / units[unit].ns;
	if (n > TIMEOUT_DIGITS_MAX)
		n = TIMEOUT_DIGITS_MAX;
	snprintf(out, GRPC_TIMEOUT_TEXT_MAX, "%u%c", (unsigned)n, units[unit].letter);
	return out;
}

bool grpc_content_type(struct span value)
{
	static const char type[] = "application/grpc";
	size_t len = sizeof(type) - 1;

	if (value.len < len || !span_equal_nocase(span_of(value.at, len), span_of(type, len)))
		return false;
	return value.len == len || value.at[len] == '+' || value.at[len] == ';' || value.at[len] == ' ';
}

bool grpc_route_of(struct span path, struct grpc_route *out)
{
	const uint8_t *slash;

	if (path.len < 4 || path.at[0] != '/')
		return false;
	span_skip(&path, 1);
	slash = memrchr(path.at, '/', path.len);
	if (!slash || memchr(path.at, '?', path.len))
		return false;
	out->service = span_of(path.at, (size_t)(slash - path.at));
	out->method = span_of(slash + 1, path.len - out->service.len - 1);
	return out->service.len > 0 && out->method.len > 0;
}

static uint32_t length_in(const uint8_t prefix[GRPC_PREFIX_BYTES])
{
	struct span length = span_of(prefix + 1, 4);
	uint32_t n = 0;

	span_u32(&length, &n);
	return n;
}

/** take_prefix() - some bytes of a prefix; with the last of them a message has begun */
static void take_prefix(struct grpc_messages *g, struct span *bytes)
{
	size_t n = GRPC_PREFIX_BYTES - (size_t)g->have;
	struct span part;

	if (n > bytes->len)
		n = bytes->len;
	span_take(bytes, n, &part);
	memcpy(g->prefix + g->have, part.at, n);
	g->have += (uint8_t)n;
	g->broken = g->prefix[0] > 1;
	if (g->have < GRPC_PREFIX_BYTES || g->broken)
		return;
	g->count++;
	g->compressed += g->prefix[0];
	g->left = length_in(g->prefix);
	g->have = 0;
}

void grpc_messages_add(struct grpc_messages *g, struct span bytes)
{
	while (bytes.len > 0 && !g->broken) {
		size_t n = g->left < bytes.len ? g->left : bytes.len;

		g->left -= (uint32_t)n;
		span_skip(&bytes, n);
		if (bytes.len > 0)
			take_prefix(g, &bytes);
	}
}

enum grpc_framing grpc_messages_state(const struct grpc_messages *g)
{
	if (g->broken)
		return GRPC_BROKEN;
	return g->left > 0 || g->have > 0 ? GRPC_INSIDE : GRPC_BETWEEN;
}

int grpc_message_take(struct span *body, struct grpc_message *out)
{
	struct span rest = *body, prefix, bytes;

	if (body->len == 0)
		return 0;
	if (!span_take(&rest, GRPC_PREFIX_BYTES, &prefix) || prefix.at[0] > 1 ||
	    !span_take(&rest, length_in(prefix.at), &bytes))
		return -EBADMSG;
	*out = (struct grpc_message){ bytes, prefix.at[0] == 1 };
	*body = rest;
	return 1;
}
