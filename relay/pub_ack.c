/*
 * pub_ack.c - see pub_ack.h
 *
 *   {"stream":"S","seq":7}   {"stream":"S","seq":7,"duplicate":true}
 *   {"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"S","seq":0}
 *
 * An error is known by its err_code, which a server keeps from version to version
 * (server/errors.json of NATS); but that a stream is full has the number of all
 * that could not be stored, so there its words decide. Older servers leave
 * err_code out: then the code, which is like a status of HTTP.
 */
#include "relay/pub_ack.h"

/* clang-format off: a table reads best as one */
static const struct {
	uint64_t code;
	enum relay_result result;
} errors[] = {
	{ 10002, RELAY_REFUSED_STORAGE },   /* resource limits of the account */
	{ 10008, RELAY_REFUSED_BUSY },      /* JetStream not available for the moment */
	{ 10009, RELAY_REFUSED_BUSY },      /* no leader here */
	{ 10023, RELAY_REFUSED_STORAGE },   /* insufficient resources */
	{ 10028, RELAY_REFUSED_STORAGE },   /* memory */
	{ 10039, RELAY_REFUSED_NO_STREAM }, /* JetStream not enabled for the account */
	{ 10047, RELAY_REFUSED_STORAGE },
	{ 10054, RELAY_REFUSED_TOO_LARGE },
	{ 10059, RELAY_REFUSED_NO_STREAM },
	{ 10076, RELAY_REFUSED_NO_STREAM }, /* JetStream not enabled */
	{ 10077, RELAY_REFUSED_STORAGE },
	{ 10118, RELAY_REFUSED_BUSY },      /* the stream is offline */
	{ 10167, RELAY_REFUSED_BUSY },      /* too many requests */
};
/* clang-format on */

static bool is_about_fullness(const struct json_doc *d, uint32_t error)
{
	uint32_t node = json_doc_member(d, error, SPAN_LITERAL("description"));

	return node && d->nodes[node].type == JSON_STRING && span_starts(json_doc_text(d, node), SPAN_LITERAL("maximum "));
}

static enum relay_result error_of(const struct json_doc *d, uint32_t error)
{
	uint32_t number = json_doc_member(d, error, SPAN_LITERAL("err_code")), code = json_doc_member(d, error, SPAN_LITERAL("code"));
	uint64_t n = 0;

	if (is_about_fullness(d, error))
		return RELAY_REFUSED_FULL;
	if (number && json_doc_uint(d, number, &n))
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (errors[i].code == n)
				return errors[i].result;
	if (number || !code || !json_doc_uint(d, code, &n))
		return RELAY_REFUSED_OTHER;
	return n == 404 ? RELAY_REFUSED_NO_STREAM : n == 429 || n == 503 ? RELAY_REFUSED_BUSY : RELAY_REFUSED_OTHER;
}

enum relay_result pub_ack_read(struct json_doc *d, struct span text)
{
	uint32_t error, duplicate;
	uint64_t n;

	if (json_doc_parse(d, text) < 0 || d->nodes[0].type != JSON_OBJECT)
		return RELAY_REFUSED_OTHER;
	error = json_doc_member(d, 0, SPAN_LITERAL("error"));
	if (error)
		return error_of(d, error);
	duplicate = json_doc_member(d, 0, SPAN_LITERAL("duplicate"));
	if (duplicate && d->nodes[duplicate].type == JSON_TRUE)
		return RELAY_DUPLICATE;
	/* A message without a sequence of the stream says nothing of the kind. */
	return json_doc_uint(d, json_doc_member(d, 0, SPAN_LITERAL("seq")), &n) && n > 0 ? RELAY_ACKED : RELAY_REFUSED_OTHER;
}
