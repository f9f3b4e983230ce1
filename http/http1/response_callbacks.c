/*
 * response_callbacks.c - what llhttp says about a response
 *
 * There are two sets: one for responses of which only the framing matters, and one
 * for those that are kept (pairs.h), which are told piece by piece as well.
 */
#include "http/http1/http1_impl.h"

static int on_head(llhttp_t *p)
{
	return responses_head_complete(http_of(p));
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	responses_body(http_of(p), len);
	return 0;
}

static int on_complete(llhttp_t *p)
{
	return responses_complete(http_of(p));
}

static int on_chunk_header(llhttp_t *p)
{
	return response_chunks_header(&http_of(p)->responses.chunks, p);
}

static int on_chunk_complete(llhttp_t *p)
{
	return response_chunks_complete(&http_of(p)->responses.chunks);
}

/* ---- of those that are kept ---- */

static int on_kept_name(llhttp_t *p, const char *at, size_t len)
{
	return pairs_kept_name(http_of(p)->pairs, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_kept_value(llhttp_t *p, const char *at, size_t len)
{
	return pairs_kept_value(http_of(p)->pairs, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_kept_value_complete(llhttp_t *p)
{
	return pairs_kept_value_end(http_of(p)->pairs) ? 0 : HPE_USER;
}

static int on_kept_head(llhttp_t *p)
{
	struct http *h = http_of(p);
	uint32_t number = h->rounds.answered;
	int status = p->status_code, result = responses_head_complete(h);

	if (h->responses.state == RESPONSES_SWITCHED)
		pairs_kept_switched(h->pairs);
	else if (h->rounds.answered != number)
		pairs_kept_final(h->pairs, status, h->responses.requests_read);
	return result;
}

static int on_kept_body(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	responses_body(h, len);
	pairs_kept_body(h->pairs, span_of(at, len), h->responses.length);
	return 0;
}

static int on_kept_complete(llhttp_t *p)
{
	pairs_kept_complete(http_of(p)->pairs);
	return responses_complete(http_of(p));
}

void response_callbacks_init(llhttp_settings_t *plain, llhttp_settings_t *kept)
{
	llhttp_settings_init(plain);
	plain->on_headers_complete = on_head;
	plain->on_body = on_body;
	plain->on_message_complete = on_complete;
	plain->on_chunk_header = on_chunk_header;
	plain->on_chunk_complete = on_chunk_complete;
	*kept = *plain;
	kept->on_header_field = on_kept_name;
	kept->on_header_value = on_kept_value;
	kept->on_header_value_complete = on_kept_value_complete;
	kept->on_headers_complete = on_kept_head;
	kept->on_body = on_kept_body;
	kept->on_message_complete = on_kept_complete;
}
