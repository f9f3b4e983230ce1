/*
 * request_line.h - do these bytes start an HTTP/1 message?
 *
 * Used where the position in the stream is not known: at a connection's first
 * bytes, and at the start of a segment after a gap. llhttp cannot answer that
 * question, because it believes that what it is given starts a message.
 *
 * The two questions differ in what a wrong "yes" costs. At a connection's start
 * a method and a space are enough: what follows is either HTTP or a malformed
 * request that gets counted. After a gap, a body may hold anything, so the
 * whole line is asked for, up to "HTTP/1." and a digit.
 */
#ifndef HTTP_HTTP1_REQUEST_LINE_H
#define HTTP_HTTP1_REQUEST_LINE_H

#include <stdbool.h>

#include "base/span.h"

enum line_match {
	LINE_NO,
	LINE_MAYBE, /* all bytes fit, but they end too early to say */
	LINE_YES,
};

/** request_method_match() - empty lines, then a method that llhttp knows and a space (RFC 9112, 2.2 and 3) */
enum line_match request_method_match(struct span s);

/** request_line_match() - method SP target SP "HTTP/1." digit, right at the start (RFC 9112, 3) */
enum line_match request_line_match(struct span s);

/** request_line_foreign() - a whole HTTP/1 request line whose method llhttp does not know */
bool request_line_foreign(struct span s);

/**
 * request_line_protocol() - is the protocol HTTP that is named at the end of the line with which @s begins?
 *
 * LINE_NO: it is RTSP (RFC 2326) or ICE, the broadcasters' protocol, whose lines are like HTTP's and which llhttp takes;
 * LINE_MAYBE: the line ends elsewhere; LINE_YES: HTTP, or nothing that llhttp takes
 */
enum line_match request_line_protocol(struct span s);

/** status_line_match() - "HTTP/1." digit SP digit (RFC 9112, 4) */
enum line_match status_line_match(struct span s);

#endif
