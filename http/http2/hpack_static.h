/*
 * hpack_static.h - the static table (RFC 7541, appendix A); index 0 is not used
 */
#ifndef HTTP_HTTP2_HPACK_STATIC_H
#define HTTP_HTTP2_HPACK_STATIC_H

#include "http/http2/hpack.h"

#define HPACK_STATIC_COUNT 61

/* clang-format off */
#define ROW(name, value) { SPAN_LITERAL(name), SPAN_LITERAL(value), HPACK_KNOWN, false }

static const struct hpack_field hpack_static[HPACK_STATIC_COUNT + 1] = {
	ROW("", ""),
	ROW(":authority", ""),
	ROW(":method", "GET"),
	ROW(":method", "POST"),
	ROW(":path", "/"),
	ROW(":path", "/index.html"),
	ROW(":scheme", "http"),
	ROW(":scheme", "https"),
	ROW(":status", "200"),
	ROW(":status", "204"),
	ROW(":status", "206"),
	ROW(":status", "304"),
	ROW(":status", "400"),
	ROW(":status", "404"),
	ROW(":status", "500"),
	ROW("accept-charset", ""),
	ROW("accept-encoding", "gzip, deflate"),
	ROW("accept-language", ""),
	ROW("accept-ranges", ""),
	ROW("accept", ""),
	ROW("access-control-allow-origin", ""),
	ROW("age", ""),
	ROW("allow", ""),
	ROW("authorization", ""),
	ROW("cache-control", ""),
	ROW("content-disposition", ""),
	ROW("content-encoding", ""),
	ROW("content-language", ""),
	ROW("content-length", ""),
	ROW("content-location", ""),
	ROW("content-range", ""),
	ROW("content-type", ""),
	ROW("cookie", ""),
	ROW("date", ""),
	ROW("etag", ""),
	ROW("expect", ""),
	ROW("expires", ""),
	ROW("from", ""),
	ROW("host", ""),
	ROW("if-match", ""),
	ROW("if-modified-since", ""),
	ROW("if-none-match", ""),
	ROW("if-range", ""),
	ROW("if-unmodified-since", ""),
	ROW("last-modified", ""),
	ROW("link", ""),
	ROW("location", ""),
	ROW("max-forwards", ""),
	ROW("proxy-authenticate", ""),
	ROW("proxy-authorization", ""),
	ROW("range", ""),
	ROW("referer", ""),
	ROW("refresh", ""),
	ROW("retry-after", ""),
	ROW("server", ""),
	ROW("set-cookie", ""),
	ROW("strict-transport-security", ""),
	ROW("transfer-encoding", ""),
	ROW("user-agent", ""),
	ROW("vary", ""),
	ROW("via", ""),
	ROW("www-authenticate", ""),
};

#undef ROW

#endif
