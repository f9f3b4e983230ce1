/* test_http1.c - what is a request, where it ends, and what must never become one; each story at four ISNs */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#include <stdlib.h>
#include <string.h>

#include "http/http1/llhttp_rules.h"
#include "http/http1/request_line.h"

#define HANDSHAKE { 'c', "S" }, { 's', "S" }, { 'c', "" }
#define STORY(name, ...) { #name, STEPS(name), __VA_ARGS__ }
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define GET2 "GET /2 HTTP/1.1\r\n\r\n"
#define CHUNKED "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

/** bad() - one malformed request, a response, and the next request, which must be found */
#define BAD(name, text)                                                                                      \
	static const struct tcp_step name[] = { HANDSHAKE,                                                   \
						{ 'c', "P", text, "!malformed;" },                           \
						{ 's', "P", "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n" }, \
						{ 'c', "P", GET2, "GET /2;" } }

static const struct tcp_step method_split[] = {
	HANDSHAKE,
	{ 'c', "P", "PO" },
	{ 'c', "P", "ST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "POST /x [a];" },
	{ 'c', "P", "\r\n" },
	{ 'c', "P", "G" }, { 'c', "P", "E" }, { 'c', "P", "T" }, { 'c', "P", " " }, { 'c', "P", "/" },
	{ 'c', "P", "y" }, { 'c', "P", " HTTP/1.1\r" }, { 'c', "P", "\n\r" }, { 'c', "P", "\n", "GET /y;" },
};

static const struct tcp_step chunked[] = {
	HANDSHAKE,
	{ 'c', "P", CHUNKED "5\r\nhello\r\n3;c=\"d\";a=b\r\n wo\r\n3\r\nrld\r\n0\r\n\r\n", "POST /c [hello world];" },
	{ 's', "P", OK },
	{ 'c', "P", CHUNKED "5" }, { 'c', "P", "\r" }, { 'c', "P", "\n" }, { 'c', "P", "hello" },
	{ 'c', "P", "\r" }, { 'c', "P", "\n0" }, { 'c', "P", "\r\n" }, { 'c', "P", "Trailer: x\r" },
	{ 'c', "P", "\nContent-Lengths: 99\r\n\r" }, { 'c', "P", "\n", "POST /c [hello];" },
	{ 'c', "P", GET2, "GET /2;" },
};

/* Each of these is one chunk of five bytes to all servers that take it: nginx, Node, h11 and aiohttp were asked. */
#define CHUNK5(line) { 'c', "P", CHUNKED line "\r\nhello\r\n0\r\n\r\n", "POST /c [hello];" }, { 's', "P", OK }

static const struct tcp_step chunk_lines[] = {
	HANDSHAKE,
	CHUNK5("5;a=b"), CHUNK5("5;a=b;c=d"), CHUNK5("5;a=b;c=d;e"), CHUNK5("5;a=\"x y,z;w\""), CHUNK5("5;a=\"x y\";b=\"q\""),
	CHUNK5("5;a=\"x\\\"y\""), CHUNK5("5;a=\"x\\\\\";b"), CHUNK5("5;a=\"\tx\";b"), CHUNK5("5;a=\"\xc3\xa9\""), CHUNK5("5 "), CHUNK5("5  \t "),
	CHUNK5("5 ;a=b"), CHUNK5("5; a = b ; c"), CHUNK5("5;a=b "), CHUNK5("5;"), CHUNK5("5;;"), CHUNK5("5;a="), CHUNK5("5;=b"),
	CHUNK5("5;a,b"), CHUNK5("5;a=x y"), CHUNK5("5;a=\"x\"y"), CHUNK5("0000000000000000005"), CHUNK5("5;a=b;"),
};

static const struct tcp_step chunk_last_line[] = {
	HANDSHAKE,
	{ 'c', "P", CHUNKED "5\r\nhello\r\n0;a=b;c=\"d e\" \r\n\r\n", "POST /c [hello];" }, { 's', "P", OK },
	{ 'c', "P", CHUNKED "5\r\nhello\r\n0 \r\nTrailer: x\r\n\r\n", "POST /c [hello];" },
};

/* Cut at each byte of the lines. */
static const struct tcp_step chunk_line_pieces[] = {
	HANDSHAKE,
	{ 'c', "P", CHUNKED "0" }, { 'c', "P", "5" }, { 'c', "P", " " }, { 'c', "P", ";" }, { 'c', "P", "a" }, { 'c', "P", "=" },
	{ 'c', "P", "\"" }, { 'c', "P", "\\" }, { 'c', "P", "\"" }, { 'c', "P", "\"" }, { 'c', "P", "\r" }, { 'c', "P", "\nhe" },
	{ 'c', "P", "llo\r" }, { 'c', "P", "\n" }, { 'c', "P", "0" }, { 'c', "P", ";" }, { 'c', "P", "\r" }, { 'c', "P", "\n" },
	{ 'c', "P", "\r" }, { 'c', "P", "\n", "POST /c [hello];" },
};

static const struct tcp_step chunk_holds_terminator[] = {
	HANDSHAKE,
	{ 'c', "P", CHUNKED "9\r\n\r\n0\r\n\r\n\r\n" },
	{ 'c', "P", "\r\n" },
	{ 'c', "P", "0\r\n\r\n", "POST /c [\r\n0\r\n\r\n\r\n];" },
};

static const struct tcp_step pipelined[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\naPOST /2 HTTP/1.1\r\nConten", "POST /1 [a];" },
	{ 'c', "P", "t-Length: 2\r\n\r\nbcGET /3 HTTP/1.1\r\n\r\n", "POST /2 [bc];GET /3;" },
	{ 's', "P", OK OK OK },
};

static const struct tcp_step http10[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", "POST /1 [a];" },
	{ 's', "P", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", "POST /2 HTTP/1.0\r\nContent-Length: 1\r\n\r\nb", "POST /2 [b];" },
	{ 's', "P", "HTTP/1.0 200 OK\r\n\r\nuntil the end" },
	{ 's', "F" },
};

static const struct tcp_step after_close[] = {
	HANDSHAKE,
	{ 'c', "P", "GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step expect_accepted[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ 'c', "P", "hello", "POST /1 [hello];" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step expect_body_like_request[] = { /* accepted: whatever comes is the body */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ 'c', "P", GET2, "POST /1 [" GET2 "];" },
};

static const struct tcp_step expect_refused[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 500\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", GET2, "!reset;" }, /* or is it the body all the same? The response tells */
	{ 's', "P", OK, "GET /2;" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step expect_refused_body_sent[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", "hello", "POST /1 [hello];" },
};

static const struct tcp_step response_before_end[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234" },
	{ 's', "P", "HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", "56789", "POST /1 [0123456789];" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step targets[] = {
	HANDSHAKE,
	{ 'c', "P", "GET http://h/x?y HTTP/1.1\r\n\r\n", "GET http://h/x?y;" },
	{ 'c', "P", "GET HTTPS://h HTTP/1.1\r\n\r\n", "GET HTTPS://h;" },
	{ 'c', "P", "OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS *;" },
	{ 'c', "P", "POST predict HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "POST predict;" },
	{ 'c', "P", "POST h HTTP/1.1\r\n\r\n", "POST h;" },
	{ 'c', "P", "POST httpx HTTP/1.1\r\n\r\n", "POST httpx;" },
	{ 'c', "P", "POST ?a=b HTTP/1.1\r\n\r\n", "POST ?a=b;" },
	{ 'c', "P", "GET ftp://x HTTP/1.1\r\n\r\n", "GET ftp://x;" },
	{ 'c', "P", "POST   /spaces HTTP/1.1\r\n\r\n", "POST /spaces;" },
	{ 'c', "P", "POST" }, { 'c', "P", " " }, { 'c', "P", "ht" }, { 'c', "P", "tp" },
	{ 'c', "P", "/v1 HTTP/1.1\r\n\r\n", "POST http/v1;" },
	{ 'c', "P", "GET /caf\xc3\xa9?\xff#\x80 HTTP/1.1\nA: b\r\n\r\n", "GET /caf\xc3\xa9?\xff#\x80;" },
	{ 'c', "P", "GET \xc3\xa9 HTTP/1.1\r\nA: b\r\n\r\n", "GET \xc3\xa9;" },
	{ 'c', "P", "GET /\xc3" }, { 'c', "P", "\xa9" }, { 'c', "P", "x" }, { 'c', "P", " HTTP/1.1\nA: b\r\n\r\n", "GET /\xc3\xa9x;" },
};

#if HTTP_READS_BARE_LF
static const struct tcp_step bare_lf[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\nHost: h\nContent-Length: 1\n\na", "POST /1 [a];" },
	{ 'c', "P", "\nGET /2 HTTP/1.1\nA: b\n\n", "GET /2;" },
	{ 'c', "P", "GET /3 HTTP/1.1" }, { 'c', "P", "\n" }, { 'c', "P", "A: b\n" }, { 'c', "P", "\n", "GET /3;" },
	{ 'c', "P", "GET /4 HTTP/1.1" }, { 'c', "P", "\r" }, { 'c', "P", "\nA: b\r" }, { 'c', "P", "\n\n", "GET /4;" },
};
#endif

#define H2C "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"

static const struct tcp_step java_client[] = { /* asks for h2c every time, is never answered with 101 */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\n" H2C "Content-Length: 1\r\n\r\n" },
	{ 'c', "P", "a", "POST /1 [a];" },
	{ 's', "P", OK },
	{ 'c', "P", "GET /2 HTTP/1.1\r\n" H2C "\r\n", "GET /2;" },
	{ 's', "P", OK },
	{ 'c', "P", "POST /3 HTTP/1.1\r\n" H2C "Content-Length: 1\r\n\r\nb", "POST /3 [b];" },
};

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct tcp_step h2c_granted[] = {
	HANDSHAKE,
	{ 'c', "P", "GET /1 HTTP/1.1\r\n" H2C "\r\n", "GET /1;" },
	{ 's', "P", SWITCH },
	{ 'c', "P", PREFACE "\x01\x02\x03" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step h2c_granted_late[] = { /* the 101 is captured after the preface */
	HANDSHAKE,
	{ 'c', "P", "GET /1 HTTP/1.1\r\n" H2C "\r\n", "GET /1;" },
	{ 'c', "P", PREFACE "\x01\x02\x03", NULL, .ack = 70 },
	{ 's', "P", SWITCH, NULL, .seq = 1 },
	{ 'c', "P", GET2 },
};

static const struct tcp_step h2c_granted_early[] = { /* with the request's body still to come */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\n" H2C "Content-Length: 2\r\n\r\n" },
	{ 's', "P", SWITCH },
	{ 'c', "P", "ab", "POST /1 [ab];" },
	{ 'c', "P", PREFACE },
};

static const struct tcp_step websocket[] = {
	HANDSHAKE,
	{ 'c', "P", "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET /ws;" },
	{ 's', "P", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello" },
	{ 'c', "P", "\x81\x85" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step websocket_late[] = { /* its frames before the 101 */
	HANDSHAKE,
	{ 'c', "P", "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET /ws;" },
	{ 'c', "P", "\x81\x85" },
	{ 's', "P", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step upgrade_over_request[] = {
	HANDSHAKE,
	{ 'c', "P", "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nPOST /half HTTP/1.1\r\nA",
	  "GET /ws;" },
	{ 's', "P", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "!upgraded;" },
};

static const struct tcp_step tunnel[] = {
	HANDSHAKE,
	{ 'c', "P", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "CONNECT h:443;" },
	{ 's', "P", "HTTP/1.1 200 Connection established\r\n\r\n" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step tunnel_refused[] = {
	HANDSHAKE,
	{ 'c', "P", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "CONNECT h:443;" },
	{ 's', "P", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step prior_knowledge[] = {
	HANDSHAKE,
	{ 'c', "P", "PRI * HTT" },
	{ 'c', "P", "P/2.0\r\n\r\nSM\r\n\r\n\x01\x02" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step responses_without_body[] = { /* HEAD, 204, 304: their Content-Length is no body */
	HANDSHAKE,
	{ 'c', "P", "HEAD /1 HTTP/1.1\r\n\r\n", "HEAD /1;" },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" },
	{ 'c', "P", "POST /2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n" },
	{ 'c', "P", GET2, "!reset;" },
	{ 's', "P", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", "GET /2;" },
	{ 'c', "P", "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET /ws;" },
	{ 's', "P", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
	{ 'c', "P", GET2 },
};

static const struct tcp_step responses_broken[] = { /* nonsense and gaps on the server's side harm no request */
	HANDSHAKE,
	{ 'c', "P", GET2, "GET /2;" },
	{ 's', "P", "HTTP/9.9 nonsense\r\n\r\n" },
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "POST /1 [a];" },
	{ 's', "P", "not from the begin", NULL, .seq = 5000 },
	{ 'c', "P", GET2, "GET /2;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
	{ 'c', "F" }, { 's', "F" },
};

static const struct tcp_step unknown_method[] = {
	HANDSHAKE,
	{ 'c', "P", "ASK /x HTTP/1.1\r\n\r\n", "!malformed;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step unparsed_between[] = { /* not counted: it does not look like a request */
	HANDSHAKE,
	{ 'c', "P", GET2 "junk", "GET /2;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

BAD(two_lengths, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
BAD(same_length_twice, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na");
BAD(length_list, "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na");
BAD(length_sign, "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na");
BAD(length_huge, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\na");
BAD(length_and_chunked, "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
BAD(chunked_and_length, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
BAD(chunked_twice, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
BAD(encodings_twice, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
BAD(chunked_not_last, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n");
BAD(chunked_lookalike, "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
BAD(chunked_http10, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
BAD(chunk_size_hex, CHUNKED "0x5\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_empty, CHUNKED "\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_huge, CHUNKED "fffffffffffffffff\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_end, CHUNKED "5\rXhello\r\n0\r\n\r\n");
BAD(chunk_extension_lf, CHUNKED "5;a=b\nhello\r\n0\r\n\r\n");
BAD(chunk_extension_cr, CHUNKED "5;a=\rb\r\nhello\r\n0\r\n\r\n");
BAD(chunk_extension_cr_cr, CHUNKED "5;a\r\r\nhello\r\n0\r\n\r\n");
BAD(chunk_extension_control, CHUNKED "5;a=\x01\r\nhello\r\n0\r\n\r\n");
BAD(chunk_extension_del, CHUNKED "5;a=\x7f\r\nhello\r\n0\r\n\r\n");
BAD(chunk_quote_open, CHUNKED "5;a=\"b\r\nhello\r\n0\r\n\r\n");
BAD(chunk_quote_open_escaped, CHUNKED "5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n");
BAD(chunk_quote_lf, CHUNKED "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n");
BAD(chunk_quote_crlf, CHUNKED "5;a=\"b\r\nc\"\r\nhello\r\n0\r\n\r\n");
BAD(chunk_quote_escaped_lf, CHUNKED "5;a=\"\\\nc\"\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_blank_before, CHUNKED " 5\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_word_behind, CHUNKED "5 x\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_blank_inside, CHUNKED "5 5\r\nhello\r\n0\r\n\r\n");
BAD(chunk_size_blank_lf, CHUNKED "5 \nhello\r\n0\r\n\r\n");
BAD(trailer_length, CHUNKED "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n");
BAD(trailer_encoding, CHUNKED "5\r\nhello\r\n0\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n");
BAD(chunk_last_quote_open, CHUNKED "5\r\nhello\r\n0;a=\"\r\n\r\n");
BAD(chunk_size_lf, CHUNKED "5\nhello\r\n0\r\n\r\n");
BAD(chunk_end, CHUNKED "5\r\nhelloXY0\r\n\r\n");
BAD(chunk_end_lf, CHUNKED "5\r\nhello\rX0\r\n\r\n");
BAD(space_before_colon, "POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\na");
BAD(space_in_name, "POST / HTTP/1.1\r\nFoo Bar: 1\r\n\r\n");
BAD(tab_in_name, "POST / HTTP/1.1\r\nFoo\t: 1\r\n\r\n");
BAD(empty_name, "POST / HTTP/1.1\r\n: 1\r\n\r\n");
BAD(empty_trailer_name, CHUNKED "0\r\n: 1\r\n\r\n");
BAD(fold_first, "POST / HTTP/1.1\r\n Foo: 1\r\n\r\n");
BAD(no_colon, "POST / HTTP/1.1\r\nFoo\r\n\r\n");
BAD(control_in_value, "POST / HTTP/1.1\r\nFoo: a\1b\r\n\r\n");
BAD(delete_in_value, "POST / HTTP/1.1\r\nFoo: some longer text\x7f\r\n\r\n");
BAD(cr_in_value, "POST / HTTP/1.1\r\nFoo: a\rb\r\n\r\n");
BAD(cr_after_head, "POST / HTTP/1.1\r\nFoo: a\r\n\rX");
BAD(target_tab, "GET /a\tb HTTP/1.1\r\n\r\n");
BAD(target_form_feed, "GET /a\fb HTTP/1.1\r\n\r\n");
BAD(target_control, "GET /a\x01b HTTP/1.1\r\n\r\n");
BAD(version_2, "GET / HTTP/2.0\r\n\r\n");
BAD(version_09, "GET /\r\n\r\n");
BAD(version_none, "GET / FOO/1.1\r\n\r\n");
BAD(no_target, "GET  HTTP/1.1\r\n\r\n");
BAD(space_in_target, "GET /a b HTTP/1.1\r\n\r\n");
BAD(control_in_target, "GET /a\1b HTTP/1.1\r\n\r\n");

/* ---- what only looks like HTTP ---- */

#define RTSP "OPTIONS rtsp://10.1.0.9:8554/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n"

static const struct tcp_step rtsp[] = {
	HANDSHAKE,
	{ 'c', "P", RTSP }, { 's', "P", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" },
	{ 'c', "P", "GET_PARAMETER rtsp://10.1.0.9:8554/cam RTSP/1.0\r\nCSeq: 2\r\n\r\n" }, { 'c', "P", GET2 },
};

static const struct tcp_step rtsp_in_pieces[] = {
	HANDSHAKE,
	{ 'c', "P", "POS" }, { 'c', "P", "T rtsp://10.1.0.9/cam R" }, { 'c', "P", "T" }, { 'c', "P", "SP" }, { 'c', "P", "/" },
	{ 'c', "P", "1" }, { 'c', "P", ".0\r\nContent-Length: 0\r\n\r\n" },
};

static const struct tcp_step ice[] = { HANDSHAKE, { 'c', "P", "\r\nSOURCE /stream ICE/1.0\r\nice-name: x\r\n\r\n" } };
static const struct tcp_step ice_in_pieces[] = { HANDSHAKE, { 'c', "P", "SOURCE /stream IC" }, { 'c', "P", "E/1.0\r\n\r\n" } };

static const struct tcp_step rtsp_method_in_http[] = {
	HANDSHAKE, { 'c', "P", "OPTIONS /RTSP/1.0 HTTP/1.1\r\nX: RTSP/1.0\r\n\r\n", "OPTIONS /RTSP/1.0;" }, { 's', "P", OK },
	{ 'c', "P", "OPTIONS /x HTT" }, { 'c', "P", "P/1.1\r\n\r\n", "OPTIONS /x;" },
};

static const struct tcp_step rtsp_later[] = { HANDSHAKE, { 'c', "P", GET2, "GET /2;" }, { 's', "P", OK }, { 'c', "P", RTSP, "!malformed;" } };

/* A first line in pieces is a request that counts, however it ends. */
static const struct tcp_step line_cut_off[] = { HANDSHAKE, { 'c', "P", "GET /long" } };
static const struct tcp_step line_reset[] = { HANDSHAKE, { 'c', "P", "GET /long" }, { 's', "R", NULL, "!reset;" } };
static const struct tcp_step line_malformed[] = { HANDSHAKE, { 'c', "P", "GET /long" }, { 'c', "P", " XTTP/1.1\r\n", "!malformed;" } };
static const struct tcp_step line_lost[] = {
	HANDSHAKE, { 'c', "P", "GET /long", "!truncated;", .missing = 13 }, { 's', "P", OK }, { 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_story stories[] = {
	STORY(method_split, .stats = "seen=2 complete=2"),
	STORY(chunked, .stats = "seen=3 complete=3"),
	STORY(chunk_lines, .stats = "seen=23 complete=23"),
	STORY(chunk_last_line, .stats = "seen=2 complete=2"),
	STORY(chunk_line_pieces, .stats = "seen=1 complete=1"),
	STORY(chunk_holds_terminator, .stats = "seen=1 complete=1"),
	STORY(pipelined, .stats = "seen=3 complete=3"),
	STORY(http10, .stats = "seen=2 complete=2"),
	STORY(after_close, .stats = "seen=2 complete=2"),
	STORY(expect_accepted, .stats = "seen=2 complete=2"),
	STORY(expect_body_like_request, .stats = "seen=1 complete=1"),
	STORY(expect_refused, .stats = "seen=3 complete=2 lost.reset=1"),
	STORY(expect_refused_body_sent, .stats = "seen=1 complete=1"),
	STORY(response_before_end, .stats = "seen=2 complete=2"),
	STORY(targets, .stats = "seen=13 complete=13"),
#if HTTP_READS_BARE_LF
	STORY(bare_lf, .stats = "seen=4 complete=4"),
#endif
	STORY(java_client, .stats = "seen=3 complete=3 upgraded=0 http2=0"),
	STORY(h2c_granted, .stats = "seen=1 complete=1 upgraded=1 http2=1"),
	STORY(h2c_granted_late, .stats = "seen=1 complete=1 upgraded=1 http2=1"),
	STORY(h2c_granted_early, .stats = "seen=1 complete=1 upgraded=1 http2=1"),
	STORY(websocket, .stats = "seen=1 complete=1 upgraded=1 http2=0"),
	STORY(websocket_late, .stats = "seen=1 complete=1 upgraded=1 http2=0"),
	STORY(upgrade_over_request, .stats = "seen=2 complete=1 lost.upgraded=1 upgraded=1"),
	STORY(tunnel, .stats = "seen=1 complete=1 upgraded=1"),
	STORY(tunnel_refused, .stats = "seen=2 complete=2 upgraded=0"),
	STORY(prior_knowledge, .stats = "seen=0 http2=1 upgraded=0 not_http=0"),
	STORY(responses_without_body, .stats = "seen=4 complete=3 upgraded=1"),
	STORY(responses_broken, .stats = "seen=4 complete=4"),
	STORY(unknown_method, .stats = "seen=2 complete=1 lost.malformed=1 not_http=0"),
	STORY(rtsp, .stats = "seen=0 not_http=1"),
	STORY(rtsp_in_pieces, .stats = "seen=0 not_http=1"),
	STORY(ice, .stats = "seen=0 not_http=1"),
	STORY(ice_in_pieces, .stats = "seen=0 not_http=1"),
	STORY(rtsp_method_in_http, .stats = "seen=2 complete=2 not_http=0"),
	STORY(rtsp_later, .stats = "seen=2 complete=1 lost.malformed=1 not_http=0"),
	STORY(line_cut_off, "!cut_at_end;", "seen=1 lost.cut_at_end=1"),
	STORY(line_reset, .stats = "seen=1 lost.reset=1"),
	STORY(line_malformed, .stats = "seen=1 lost.malformed=1 not_http=0"),
	STORY(line_lost, .stats = "seen=2 complete=1 lost.truncated=1"),
	STORY(unparsed_between, .stats = "seen=2 complete=2"),
#define BAD_STORY(name) STORY(name, .stats = "seen=2 complete=1 lost.malformed=1 gaps=0")
	BAD_STORY(two_lengths),
	BAD_STORY(same_length_twice),
	BAD_STORY(length_list),
	BAD_STORY(length_sign),
	BAD_STORY(length_huge),
	BAD_STORY(length_and_chunked),
	BAD_STORY(chunked_and_length),
	BAD_STORY(chunked_twice),
	BAD_STORY(encodings_twice),
	BAD_STORY(chunked_not_last),
	BAD_STORY(chunked_lookalike),
	BAD_STORY(chunked_http10),
	BAD_STORY(chunk_size_hex),
	BAD_STORY(chunk_size_empty),
	BAD_STORY(chunk_size_huge),
	BAD_STORY(chunk_size_end),
	BAD_STORY(chunk_size_lf),
	BAD_STORY(chunk_extension_lf),
	BAD_STORY(chunk_extension_cr),
	BAD_STORY(chunk_extension_cr_cr),
	BAD_STORY(chunk_extension_control),
	BAD_STORY(chunk_extension_del),
	BAD_STORY(chunk_quote_open),
	BAD_STORY(chunk_quote_open_escaped),
	BAD_STORY(chunk_quote_lf),
	BAD_STORY(chunk_quote_crlf),
	BAD_STORY(chunk_quote_escaped_lf),
	BAD_STORY(chunk_size_blank_before),
	BAD_STORY(chunk_size_word_behind),
	BAD_STORY(chunk_size_blank_inside),
	BAD_STORY(chunk_size_blank_lf),
	BAD_STORY(trailer_length),
	BAD_STORY(trailer_encoding),
	BAD_STORY(chunk_last_quote_open),
	BAD_STORY(chunk_end),
	BAD_STORY(chunk_end_lf),
	BAD_STORY(space_before_colon),
	BAD_STORY(space_in_name),
	BAD_STORY(tab_in_name),
	BAD_STORY(empty_name),
	BAD_STORY(empty_trailer_name),
	BAD_STORY(fold_first),
	BAD_STORY(no_colon),
	BAD_STORY(control_in_value),
	BAD_STORY(delete_in_value),
	BAD_STORY(cr_in_value),
	BAD_STORY(cr_after_head),
	BAD_STORY(target_tab),
	BAD_STORY(target_form_feed),
	BAD_STORY(target_control),
	BAD_STORY(version_2),
	BAD_STORY(version_09),
	BAD_STORY(version_none),
	BAD_STORY(no_target),
	BAD_STORY(space_in_target),
	BAD_STORY(control_in_target),
};

/** test_lines() - the patterns that decide where a request may begin */
static void test_lines(void **state)
{
	static const struct {
		const char *text;
		enum line_match method, line, status;
		bool foreign;
	} rows[] = {
		{ "", LINE_MAYBE, LINE_MAYBE, LINE_MAYBE, false },
		{ "P", LINE_MAYBE, LINE_MAYBE, LINE_NO, false },
		{ "POST", LINE_MAYBE, LINE_MAYBE, LINE_NO, false },
		{ "POSTS ", LINE_NO, LINE_NO, LINE_NO, false },
		{ "POST ", LINE_YES, LINE_MAYBE, LINE_NO, false },
		{ "POST  /", LINE_YES, LINE_NO, LINE_NO, false },
		{ "POST /a", LINE_YES, LINE_MAYBE, LINE_NO, false },
		{ "POST /a b", LINE_YES, LINE_NO, LINE_NO, false },
		{ "POST /a HTTP/1.", LINE_YES, LINE_MAYBE, LINE_NO, false },
		{ "POST /a HTTP/1.1", LINE_YES, LINE_MAYBE, LINE_NO, false },
		{ "POST /a HTTP/1.1\r", LINE_YES, LINE_YES, LINE_NO, true },
		{ "POST /a HTTP/1.1 ", LINE_YES, LINE_NO, LINE_NO, false },
		{ "POST /a HTTP/2.0\r", LINE_YES, LINE_NO, LINE_NO, false },
		{ "OST /a HTTP/1.1\r", LINE_NO, LINE_NO, LINE_NO, true },
		{ "\r\nGET /", LINE_YES, LINE_NO, LINE_NO, false },
		{ "ASK /a HTTP/1.0\n", LINE_NO, LINE_NO, LINE_NO, true },
		{ "get / HTTP/1.1\r", LINE_NO, LINE_NO, LINE_NO, true },
		{ "M-SEARCH * HTTP/1.1\r", LINE_YES, LINE_YES, LINE_NO, true },
		{ "HTTP/1.1 200", LINE_NO, LINE_NO, LINE_YES, false },
		{ "HTTP/1.1", LINE_NO, LINE_NO, LINE_MAYBE, false },
		{ "HTTP/1.1 ", LINE_NO, LINE_NO, LINE_MAYBE, false },
		{ "HTTP/2 200", LINE_NO, LINE_NO, LINE_NO, false },
		{ "\x16\x03\x01", LINE_NO, LINE_NO, LINE_NO, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span s = span_str(rows[i].text);

		if (request_method_match(s) != rows[i].method || request_line_match(s) != rows[i].line ||
		    status_line_match(s) != rows[i].status || request_line_foreign(s) != rows[i].foreign)
			fail_msg("row %zu: \"%s\": %d %d %d %d", i, rows[i].text, request_method_match(s),
				 request_line_match(s), status_line_match(s), request_line_foreign(s));
	}
}

/* ---- the head as the sink sees it ---- */

struct seen_head {
	struct buffer text;
	struct request_origin origin;
	unsigned heads, requests;
};

static struct head_decision note_head(void *ctx, const struct request_head *head,
				      const struct request_origin *origin)
{
	struct seen_head *seen = ctx;

	seen->heads++;
	seen->origin = *origin;
	buffer_add_span(&seen->text, head->method);
	buffer_add_str(&seen->text, "|");
	buffer_add_span(&seen->text, head->target);
	buffer_printf(&seen->text, "|%u.%u|", head->version_major, head->version_minor);
	for (size_t i = 0; i < head->header_count; i++) {
		buffer_add_span(&seen->text, head->headers[i].name);
		buffer_add_str(&seen->text, "=");
		buffer_add_span(&seen->text, head->headers[i].value);
		buffer_add_str(&seen->text, ";");
	}
	return (struct head_decision){ KEEP_WHOLE, false, 0 };
}

static void note_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct seen_head *seen = ctx;

	seen->requests++;
	assert_non_null(m);
	assert_true(m->origin.id != 0);
	seen->origin.id = m->origin.id;
	assert_int_equal(m->origin.connection, 1);
	assert_int_equal(m->references, 1);
	message_unref(m);
}

/** send_pieces() - @text on a new connection, in segments of @size; the head that came of it to @seen */
static void send_pieces(struct span text, size_t size, struct seen_head *seen)
{
	struct budget budget;
	struct http_stats stats = { 0 };
	struct protocol_sink sink = { seen, note_head, note_request, NULL };
	struct http_tracker_options options = { .tracker.hold_bytes = 65536, .http.max_body = 65536, .tracker.idle_ns = NS_PER_S,
					      .tracker.budget = &budget, .http.stats = &stats };
	struct segment s = { .src = { .port = 1234, .family = 4 }, .dst = { .port = 80, .family = 4 },
			     .seq = 999, .flags = TCP_SYN, .ts = { 5 } };
	struct tracker *r;

	budget_init(&budget, 64 << 20);
	r = http_tracker_new(&options, &sink);
	assert_non_null(r);
	tracker_feed(r, &s);
	s.seq++;
	s.flags = TCP_ACK;
	while (text.len > 0) {
		s.ts.ns++;
		s.payload = text;
		span_truncate(&s.payload, size);
		tracker_feed(r, &s);
		s.seq += (uint32_t)s.payload.len;
		span_skip(&text, s.payload.len);
	}
	tracker_finish(r);
	tracker_free(r);
	assert_int_equal(budget_used(&budget), 0);
}

static void test_head_bytes(void **state)
{
	static const char text[] = "POST predict?a=%20 HTTP/1.1\r\nHost:h\r\nA: \t b c \t\r\nEmpty:\r\nE2:  \r\n"
				   "Fold: a\r\n  b\r\n\tc \r\nUtf: \xc3\xa9\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "1\r\nx\r\n0\r\nTrailer: no header\r\n\r\n";
	static const char want[] = "POST|predict?a=%20|1.1|Host=h;A=b c;Empty=;E2=;Fold=a  b\tc;Utf=\xc3\xa9;"
				   "Transfer-Encoding=chunked;";

	for (size_t size = 1; size < sizeof(text); size++) {
		struct seen_head seen = { 0 };

		send_pieces(SPAN_LITERAL(text), size, &seen);
		assert_int_equal(seen.heads, 1);
		assert_int_equal(seen.requests, 1);
		assert_string_equal(buffer_text(&seen.text), want);
		buffer_deinit(&seen.text);
	}
}

/** test_large_values() - a value of 64 KiB passes, whole or byte by byte; a head of 300 KiB is malformed */
static void test_large_values(void **state)
{
	static const size_t lengths[] = { 64 << 10, 300 << 10 };

	for (size_t i = 0; i < 4; i++) {
		struct buffer text = { 0 };
		struct seen_head seen = { 0 };
		size_t len = lengths[i / 2];

		buffer_add_str(&text, "POST / HTTP/1.1\r\nBig: ");
		for (size_t n = 0; n < len; n++)
			buffer_add_str(&text, "v");
		buffer_add_str(&text, "\r\nContent-Length: 0\r\n\r\n");
		send_pieces(buffer_span(&text), i % 2 ? 1 : 1448, &seen);
		assert_int_equal(seen.requests, len == lengths[0]);
		if (seen.requests)
			assert_int_equal(seen.text.len, strlen("POST|/|1.1|Big=;Content-Length=0;") + len);
		buffer_deinit(&seen.text);
		buffer_deinit(&text);
	}
}

/** test_id() - the same packets give the same id, other packets another one */
static void test_id(void **state)
{
	struct seen_head a = { 0 }, b = { 0 }, c = { 0 };

	send_pieces(SPAN_LITERAL("GET /1 HTTP/1.1\r\n\r\n"), 1000, &a);
	send_pieces(SPAN_LITERAL("GET /1 HTTP/1.1\r\n\r\n"), 1000, &b);
	send_pieces(SPAN_LITERAL("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), 1000, &c);
	assert_int_equal(a.origin.id, b.origin.id);
	assert_int_not_equal(a.origin.id, c.origin.id);
	buffer_deinit(&a.text);
	buffer_deinit(&b.text);
	buffer_deinit(&c.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_head_bytes),
		cmocka_unit_test(test_large_values),
		cmocka_unit_test(test_id),
	};
	int failed = tcp_stories_main("http", stories, sizeof(stories) / sizeof(stories[0]));

	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
