/* llhttp_rules.c - see llhttp_rules.h */
#include "http/http1/llhttp_rules.h"

/*
 * llhttp's lenient flags, one by one:
 *
 *   headers: on. llhttp 8 has no other way to accept a bare LF at the end of a line, as most servers do (RFC 9112,
 * 2.2), and llhttp 9 none for lines that are folded. It also lets control characters through; in requests has_control() does not.
 *
 *   optional_cr_before_lf (llhttp 9.2): on, for the bare LF, which llhttp 9.0 and 9.1 have no way to accept.
 *
 *   chunked_length: off, since Content-Length with Transfer-Encoding is how requests are smuggled (RFC 9112, 6.3).
 *
 *   transfer_encoding: off, since "chunked" that is not last leaves the length to each server's taste.
 *
 *   keep_alive: on, since a "HTTP/1.0 100 Continue", or one with "Connection: close", must not make the final
 * response an error. For other messages it makes no difference: each gets a new parser.
 *
 *   version: off; nothing but 1.0 and 1.1 is mirrored.
 *
 *   optional_lf_after_cr, optional_crlf_after_chunk (llhttp 9): off, since the ends of lines and chunks are where
 * parsers differ, and differing is smuggling.
 *
 *   spaces_after_chunk_size (llhttp 9): not needed; chunk_line.c reads the line.
 */
void http_rules_set(llhttp_t *p)
{
#if LLHTTP_VERSION_MAJOR > 9 || (LLHTTP_VERSION_MAJOR == 9 && LLHTTP_VERSION_MINOR >= 2)
	llhttp_set_lenient_optional_cr_before_lf(p, 1);
#endif
	llhttp_set_lenient_headers(p, 1);
	llhttp_set_lenient_keep_alive(p, 1);
}

enum response_kind response_kind(int status, bool to_head)
{
	if (status < 100 || status == 101)
		return RESPONSE_REFUSED;
	if (status < 200)
		return RESPONSE_INTERIM;
	return to_head || status == 204 || status == 304 ? RESPONSE_BODILESS : RESPONSE_WITH_BODY;
}

/* ---- chunks of responses ---- */

static int before_line(struct response_chunks *c)
{
	c->line = (struct chunk_line){ 0 };
	c->in_line = true;
	return HPE_PAUSED;
}

int response_chunks_head(struct response_chunks *c, const llhttp_t *p, int result)
{
	return result == 0 && (p->flags & F_CHUNKED) ? before_line(c) : result;
}

int response_chunks_header(struct response_chunks *c, const llhttp_t *p)
{
	c->is_last = p->content_length == 0;
	return 0;
}

int response_chunks_complete(struct response_chunks *c)
{
	return c->is_last ? 0 : before_line(c);
}

static llhttp_errno_t execute(llhttp_t *p, struct span *in)
{
	llhttp_errno_t rc = llhttp_execute(p, (const char *)in->at, in->len);
	size_t taken = in->len;

	if (rc == HPE_PAUSED) {
		taken = (size_t)((const uint8_t *)llhttp_get_error_pos(p) - in->at);
		llhttp_resume(p);
	}
	span_skip(in, taken);
	return rc;
}

/** read_line() - more of the line before a chunk */
static llhttp_errno_t read_line(llhttp_t *p, struct response_chunks *c, struct span *in)
{
	struct span feed;
	enum chunk_take take = chunk_line_take(&c->line, in, &feed);

	if (take == CHUNK_WRONG)
		return HPE_INVALID_CHUNK_SIZE;
	c->in_line = take == CHUNK_MORE;
	return feed.len > 0 ? execute(p, &feed) : HPE_OK;
}

llhttp_errno_t response_execute(llhttp_t *p, struct response_chunks *c, struct span *in)
{
	llhttp_errno_t rc = HPE_OK;

	while (in->len > 0 && rc == HPE_OK) {
		if (c->in_line) {
			rc = read_line(p, c, in);
			continue;
		}
		rc = execute(p, in);
		if (rc == HPE_PAUSED && c->in_line)
			rc = HPE_OK; /* that was our pause */
	}
	return rc;
}
