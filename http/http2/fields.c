/*
 * fields.c - see fields.h
 *
 * What is malformed here is what RFC 9113 has a server refuse, so that a request
 * which production did not take is not sent to a shadow. The form of a path is not
 * judged: servers differ in that.
 */
#include "http/http2/fields.h"

#include "message/grpc.h"

/* Numbers of heads of this protocol; those of HTTP/1 stay below (request_head.same). */
#define NUMBER_OF_HTTP2 (UINT64_C(1) << 63)

enum pseudo { PSEUDO_METHOD,
	      PSEUDO_SCHEME,
	      PSEUDO_AUTHORITY,
	      PSEUDO_PATH,
	      PSEUDO_PROTOCOL,
	      PSEUDO_COUNT };

static const struct span pseudo_names[PSEUDO_COUNT] = {
	[PSEUDO_METHOD] = SPAN_LITERAL(":method"),
	[PSEUDO_SCHEME] = SPAN_LITERAL(":scheme"),
	[PSEUDO_AUTHORITY] = SPAN_LITERAL(":authority"),
	[PSEUDO_PATH] = SPAN_LITERAL(":path"),
	[PSEUDO_PROTOCOL] = SPAN_LITERAL(":protocol"),
};

/** struct pseudos - those that were seen, and where in the block the regular fields start */
struct pseudos {
	struct span value[PSEUDO_COUNT]; /* NULL: not seen */
	bool regular_seen;
	bool any;
};

/* A token (RFC 9110, 5.6.2) without upper case (RFC 9113, 8.2.1) */
static bool name_is_valid(struct span name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr(others, c))))
			return false;
	}
	return name.len > 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool value_is_valid(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] == 0 || value.at[i] == '\r' || value.at[i] == '\n')
			return false;
	return value.len == 0 || (!is_blank(value.at[0]) && !is_blank(value.at[value.len - 1]));
}

/** is_of_connection() - a field that HTTP/2 does not have (8.2.2) */
static bool is_of_connection(const struct hpack_field *f)
{
	static const struct span names[] = { SPAN_LITERAL("connection"), SPAN_LITERAL("proxy-connection"),
					     SPAN_LITERAL("keep-alive"), SPAN_LITERAL("transfer-encoding"),
					     SPAN_LITERAL("upgrade") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_equal(f->name, names[i]))
			return true;
	return span_equal(f->name, SPAN_LITERAL("te")) && !span_equal_nocase(f->value, SPAN_LITERAL("trailers"));
}

static bool add_pseudo(struct pseudos *p, const struct hpack_field *f)
{
	if (p->regular_seen || !value_is_valid(f->value))
		return false;
	p->any = true;
	for (size_t i = 0; i < PSEUDO_COUNT; i++) {
		if (!span_equal(f->name, pseudo_names[i]))
			continue;
		if (p->value[i].at)
			return false;
		p->value[i] = f->value;
		if (!p->value[i].at)
			p->value[i] = SPAN_LITERAL("");
		return true;
	}
	return false;
}

static bool add_length(struct fields_head *out, struct span value)
{
	uint64_t n = 0;

	if (value.len == 0 || value.len > 18)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		n = n * 10 + (value.at[i] - '0');
	}
	if (out->has_length && out->content_length != n)
		return false;
	out->content_length = n;
	out->has_length = true;
	return true;
}

/* Of such metadata, gRPC's own peers agree on bytes as they are, which no other protocol may be sent. */
static bool is_binary(struct span name)
{
	return name.len > 4 && memcmp(name.at + name.len - 4, "-bin", 4) == 0;
}

/** add_regular() - behind the place that is left for the host; false if it makes the head malformed */
static bool add_regular(struct fields_head *out, const struct hpack_field *f, bool *has_host)
{
	if (!name_is_valid(f->name) || is_of_connection(f))
		return false;
	if (!value_is_valid(f->value))
		return is_binary(f->name); /* it is left out */
	if (span_equal(f->name, SPAN_LITERAL("content-length")) && !add_length(out, f->value))
		return false;
	*has_host |= span_equal(f->name, SPAN_LITERAL("host"));
	out->headers[++out->head.header_count] = (struct header){ f->name, f->value };
	return true;
}

/** is_call() - of gRPC, as far as is known; where the content-type is not, by its form */
static bool is_call(const struct hpack_head *h, const struct request_head *head)
{
	const struct span *type = request_head_find(head, SPAN_LITERAL("content-type"));
	struct grpc_route route;

	if (!span_equal(head->method, SPAN_LITERAL("POST")))
		return false;
	return type ? grpc_content_type(*type) : h->unknown > 0 && grpc_route_of(head->target, &route);
}

static enum fields_kind kind_of(const struct hpack_head *h, const struct pseudos *p)
{
	bool whole = h->unknown + h->unnamed == 0;

	if (!p->any && whole)
		return FIELDS_TRAILERS;
	if (p->value[PSEUDO_METHOD].at && span_equal(p->value[PSEUDO_METHOD], SPAN_LITERAL("CONNECT")))
		return FIELDS_TUNNEL;
	if (p->value[PSEUDO_PROTOCOL].at)
		return FIELDS_MALFORMED;
	if (!p->value[PSEUDO_METHOD].at || !p->value[PSEUDO_PATH].at)
		return whole ? FIELDS_MALFORMED : FIELDS_UNKNOWN;
	if (p->value[PSEUDO_METHOD].len == 0 || p->value[PSEUDO_PATH].len == 0)
		return FIELDS_MALFORMED;
	return whole && !p->value[PSEUDO_SCHEME].at ? FIELDS_MALFORMED : FIELDS_REQUEST;
}

static enum fields_kind collect(const struct hpack_head *h, struct fields_head *out)
{
	struct pseudos p = { 0 };
	bool has_host = false;
	struct request_head *head = &out->head;

	if (h->over)
		return FIELDS_UNKNOWN;
	for (size_t i = 0; i < h->count; i++) {
		const struct hpack_field *f = &h->fields[i];
		bool valid = true;

		if (f->knowledge != HPACK_KNOWN)
			continue; /* it may be either kind */
		if (f->name.len > 0 && f->name.at[0] == ':') {
			valid = add_pseudo(&p, f);
		} else {
			valid = add_regular(out, f, &has_host);
			p.regular_seen = true;
		}
		if (!valid)
			return FIELDS_MALFORMED;
	}
	head->method = p.value[PSEUDO_METHOD];
	head->target = p.value[PSEUDO_PATH];
	head->headers = &out->headers[1];
	if (!has_host && p.value[PSEUDO_AUTHORITY].len > 0) {
		out->headers[0] = (struct header){ SPAN_LITERAL("host"), p.value[PSEUDO_AUTHORITY] };
		head->headers = &out->headers[0];
		head->header_count++;
	}
	return kind_of(h, &p);
}

void fields_of_request(const struct hpack_head *h, struct fields_head *out)
{
	if (out->number == h->number)
		return;
	out->number = h->number;
	out->head = (struct request_head){ .version_major = 2, .is_part = h->unknown > 0,
					   .same = NUMBER_OF_HTTP2 | (h->number * FIELDS_HEADS + out->place) };
	out->content_length = 0;
	out->has_length = false;
	out->is_whole = h->unknown + h->unnamed == 0 && !h->over;
	out->kind = collect(h, out);
	if (out->kind == FIELDS_REQUEST)
		out->head.is_grpc = is_call(h, &out->head);
}

struct fields_response fields_of_response(const struct hpack_head *h)
{
	struct fields_response r = { .is_part = h->unknown > 0 || h->over };
	const struct span *status = hpack_find(h, SPAN_LITERAL(":status"));

	if (!status || status->len != 3)
		return r;
	for (size_t i = 0; i < 3; i++) {
		if (status->at[i] < '0' || status->at[i] > '9')
			return (struct fields_response){ 0, r.is_part };
		r.status_code = r.status_code * 10 + (status->at[i] - '0');
	}
	return r;
}
