/* http_rules.c - see http_rules.h */
#include "reassembly/http_rules.h"

/*
 * llhttp's lenient flags, one by one:
 *
 *   headers: on. llhttp 8 has no other way to accept a bare LF at the end of a line, as most servers do (RFC 9112,
 * 2.2), and llhttp 9 none for lines that are folded. It also lets control characters through; in requests
 * has_control() does not.
 *
 *   optional_cr_before_lf (llhttp 9.2): on, for the bare LF.
 *
 *   chunked_length: off, since Content-Length with Transfer-Encoding is how requests are smuggled (RFC
 * 9112, 6.3).
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
