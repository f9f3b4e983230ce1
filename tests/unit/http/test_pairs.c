/* test_pairs.c - whose response is it, is it whole, and if not, why; each story at four ISNs */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#include <string.h>

#define HANDSHAKE { 'c', "S" }, { 's', "S" }, { 'c', "" }
#define STORY(name, ...) { #name, STEPS(name), .responses = true, __VA_ARGS__ }
#define POST(n) "POST /" #n " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
#define ASKED(n) "POST /" #n " [x];"
#define RESPONSE(n) "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na" #n
#define HEAD_OF(n) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct tcp_step in_turn[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", RESPONSE(1), "=/1 200 1001+1001 [a1];", .wait_ms = 1 },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", HEAD_OF(4), .wait_ms = 2 },
	{ 's', "P", "abc", .wait_ms = 3 },
	{ 's', "P", "d", "=/2 200 2001+6003 [abcd];", .wait_ms = 1 },
	{ 'c', "P", "GET /3 HTTP/1.1\r\n\r\n", "GET /3;" },
	{ 's', "P", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "=/3 204 1+1;" },
};

static const struct tcp_step pipelined[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 's', "P", RESPONSE(1) "HTTP/1.1 200 OK\r\nCon", "=/1 200 2+2 [a1];" },
	{ 's', "P", "tent-Length: 2\r\n\r\na2" RESPONSE(3), "=/2 200 2+3 [a2];=/3 200 2+2 [a3];" },
};

static const struct tcp_step interim[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ 'c', "P", "x", ASKED(1) },
	{ 's', "P", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" },
	{ 's', "P", RESPONSE(1), "=/1 200 2+2 [a1];" },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step no_body[] = {
	HANDSHAKE,
	{ 'c', "P", "HEAD /1 HTTP/1.1\r\n\r\n" POST(2) POST(3) POST(4), "HEAD /1;" ASKED(2) ASKED(3) ASKED(4) },
	{ 's', "P", HEAD_OF(1000) "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "=/1 200 1+1;=/2 304 1+1;" },
	{ 's', "P", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n" RESPONSE(4), "=/3 204 2+2;=/4 200 2+2 [a4];" },
};

static const struct tcp_step chunked[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", CHUNKED "3;x=y\r\nabc\r" }, { 's', "P", "\n" }, { 's', "P", "2" }, { 's', "P", "\r\n" },
	{ 's', "P", "d" }, { 's', "P", "e\r\n0\r\nX-Trailer: 1\r" },
	{ 's', "P", "\n\r\n", "=/1 200 1+7 [abcde] X-Trailer=1;" },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", CHUNKED "0\r\n\r\n", "=/2 200 1+1;" },
};

static const struct tcp_step trailers[] = { /* and no field of a head is one, nor one of the response before */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2) POST(3) POST(4), ASKED(1) ASKED(2) ASKED(3) ASKED(4) },
	{ 's', "P", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" CHUNKED "1\r\na\r\n0\r\nX" },
	{ 's', "P", "-T: a b" }, { 's', "P", " \r\nX-U:\r\nX-T: c\r\n\r\n", "=/1 200 1+3 [a] X-T=a b X-U= X-T=c;" },
	{ 's', "P", CHUNKED "1\r\nb\r\n0\r\n\r\n", "=/2 200 4+4 [b];" },
	{ 's', "P", RESPONSE(3) CHUNKED "0\r\nX-V: 7\r\n\r\n", "=/3 200 5+5 [a3];=/4 200 5+5 X-V=7;" },
};

#define LONG_VALUE 30000
static char long_value[LONG_VALUE + 1]; /* nine of them are above RESPONSE_HEAD_MAX */

static const struct tcp_step trailers_too_large[] = { /* are left out, all of them: the response is whole */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 's', "P", CHUNKED "1\r\na\r\n0\r\nX-T: 1\r\nX-Long: " },
	{ 's', "P", long_value }, { 's', "P", long_value }, { 's', "P", long_value }, { 's', "P", long_value },
	{ 's', "P", long_value }, { 's', "P", long_value }, { 's', "P", long_value }, { 's', "P", long_value },
	{ 's', "P", long_value }, { 's', "P", "\r\nX-U: 2\r\n\r\n", "=/1 200 1+11 [a];" },
	{ 's', "P", CHUNKED "0\r\nX-T: 3\r\n\r\n", "=/2 200 12+12 X-T=3;" },
};

static const struct tcp_step trailers_unkept[] = { /* of responses that are too large, and of one that nobody waits for */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 's', "P", CHUNKED "5\r\nabcde\r\n0\r\nX-T: 1\r\n\r\n", "=/1 too_large;" },
	{ 's', "P", CHUNKED "1\r\na\r\n0\r\nX-T: 2\r\n\r\n", "=/2 200 2+2 [a] X-T=2;" },
	{ 's', "P", CHUNKED "4\r\nabcd\r\n0\r\nX-T: 3\r\n\r\n", .ack = 1 },
};

static const struct tcp_step trailers_cut[] = { /* the end of the trailers is the end of the response */
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", CHUNKED "1\r\na\r\n0\r\nX-T: 1\r\n" },
	{ 's', "F", NULL, "=/1 broken_off;" },
};

static const struct tcp_step events[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ 's', "P", "2\r\nab\r\n", .wait_ms = 5 },
	{ 's', "P", "1\r\nc\r\n1\r\nd\r\n", .wait_ms = 7 },
	{ 's', "P", "0\r\n\r\n", "=/1 200 1+12004 @0:5002 @2:12003 @3:12003 [abcd];" },
};

static const struct tcp_step until_close[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.0 200 OK\r\n\r\nsome" },
	{ 's', "P", " more" },
	{ 's', "F", NULL, "=/1 200 1+2 [some more];" },
};

static const struct tcp_step until_reset[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.0 200 OK\r\n\r\nsome" },
	{ 's', "R", NULL, "=/1 broken_off;" },
};

static const struct tcp_step until_close_gap[] = { /* a FIN behind a gap ends nothing that is whole */
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.0 200 OK\r\n\r\nsome" },
	{ 's', "F", "e", .seq = 27 },
	{ 'c', "FA", NULL, NULL, .ack = 29 },
	{ 's', "A", NULL, "=/1 gap;", .wait_ms = 1300 },
};

static const struct tcp_step half_closed[] = { /* nc -N and its like: the request's end, then the response */
	HANDSHAKE,
	{ 'c', "PF", POST(1), ASKED(1) },
	{ 's', "", NULL },
	{ 's', "P", "HTTP/1.0 200 OK\r\n\r\nsome" },
	{ 's', "F", NULL, "=/1 200 2+2 [some];" },
};

static const struct tcp_step early[] = { /* 413 while the body is still sent: at 0, never below */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nab" },
	{ 's', "P", "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig" },
	{ 'c', "P", "cd", "POST /1 [abcd];=/1 413 0+0 [big];" },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step early_begin[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nab" },
	{ 's', "P", HEAD_OF(2) },
	{ 'c', "P", "cd", "POST /1 [abcd];" },
	{ 's', "P", "ok", "=/1 200 0+1 [ok];" },
};

static const struct tcp_step ahead[] = { /* captured before its request: two queues of a network card */
	HANDSHAKE,
	{ 's', "P", RESPONSE(1), .ack = 41 },
	{ 'c', "P", POST(1), ASKED(1) "=/1 200 0+0 [a1];", .ack = 1 },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step switching[] = {
	HANDSHAKE,
	{ 'c', "P", "GET /1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET /1;" },
	{ 's', "P", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "=/1 upgraded;" },
	{ 's', "P", RESPONSE(1) },
};

static const struct tcp_step tunnel[] = {
	HANDSHAKE,
	{ 'c', "P", "CONNECT h:1 HTTP/1.1\r\n\r\n", "CONNECT h:1;" },
	{ 's', "P", "HTTP/1.1 200 Connected\r\n\r\n", "=h:1 upgraded;" },
};

static const struct tcp_step gap_in_head[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.1 200 OK\r\nX: " },
	{ 's', "P", "\r\nContent-Length: 2\r\n\r\na1", .seq = 30 },
	{ 'c', "P", POST(2), ASKED(2) , .ack = 55 },
	{ 's', "P", RESPONSE(2), "=/1 gap;=/2 out_of_step;", .wait_ms = 1300 },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 's', "P", RESPONSE(3), "=/3 200 1+1 [a3];" },
};

static const struct tcp_step gap_in_body[] = { /* of known length: what follows is still counted */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 's', "P", HEAD_OF(8) "ab" },
	{ 's', "P", "gh" RESPONSE(2), .seq = 45 },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 'c', "", NULL, "=/1 gap;=/2 200 2+2 [a2];", .wait_ms = 1300 },
	{ 's', "P", RESPONSE(3), "=/3 200 1300002+1300002 [a3];" },
};

static const struct tcp_step gap_over_two[] = { /* the end of one answer and the begin of the next */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2) POST(3), ASKED(1) ASKED(2) ASKED(3) },
	{ 's', "P", HEAD_OF(8) "ab" },
	{ 's', "P", "\r\n\r\na2" RESPONSE(3), .seq = 80 },
	{ 'c', "", NULL },
	{ 's', "P", "HTTP", "=/1 gap;=/2 out_of_step;=/3 out_of_step;", .wait_ms = 1300 },
};

static const struct tcp_step gap_in_chunk[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", CHUNKED "5\r\nab" },
	{ 's', "P", "e\r\n0\r\n\r\n", .seq = 60 },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/1 gap;=/2 out_of_step;", .wait_ms = 1300 },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 's', "P", RESPONSE(3), "=/3 200 1+1 [a3];" },
};

static const struct tcp_step snaplen[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", HEAD_OF(9) "abc", "=/1 truncated;", .missing = 6 },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step malformed[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "=/1 malformed;" },
};

static const struct tcp_step one_way[] = { /* each is known to be unseen when the client goes on, the last at the end */
	{ 'c', "S" },
	{ 'c', "", NULL, .ack = 1 },
	{ 'c', "P", POST(1), ASKED(1), .ack = 1 },
	{ 'c', "P", POST(2), "=/1 unseen;" ASKED(2), .ack = 100 },
	{ 'c', "P", POST(3), "=/2 unseen;" ASKED(3), .ack = 200 },
};

static const struct tcp_step one_way_midstream[] = {
	{ 'c', "P", POST(1), ASKED(1), .ack = 1 },
	{ 'c', "P", POST(2), "=/1 unseen;" ASKED(2), .ack = 100 },
	{ 'c', "F", NULL, "=/2 unseen;", .ack = 200 },
};

static const struct tcp_step midstream[] = { /* before the first request there may have been another */
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", RESPONSE(1), "=/1 out_of_step;" },
	{ 'c', "P", POST(2), ASKED(2) },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step no_response[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "F", NULL, "=/1 unseen;" },
};

static const struct tcp_step ends_in_response[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 's', "P", HEAD_OF(2) "a" },
};

static const struct tcp_step falls_silent[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", HEAD_OF(2) "a" },
	{ 'c', "P", POST(9), "=/1 broken_off;" ASKED(9), .wait_ms = 61000, .port = 40001 },
};

static const struct tcp_step closes_in_response[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2), ASKED(1) ASKED(2) },
	{ 's', "PF", HEAD_OF(2) "a", "=/1 broken_off;=/2 unseen;" },
};

static const struct tcp_step too_large[] = { /* and what follows it is found */
	HANDSHAKE,
	{ 'c', "P", POST(1) POST(2) POST(3), ASKED(1) ASKED(2) ASKED(3) },
	{ 's', "P", HEAD_OF(5) "abcde" CHUNKED "4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n", "=/1 too_large;=/2 too_large;" },
	{ 's', "P", HEAD_OF(4) "abcd", "=/3 200 2+2 [abcd];" },
};

static const struct tcp_step gap_in_requests[] = { /* what was asked before the gap is still paired */
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", HEAD_OF(2) "a" },
	{ 's', "P", "1" RESPONSE(2), "=/1 200 1+2 [a1];", .ack = 81 },
	{ 'c', "P", POST(3), NULL, .seq = 81 },
	{ 'c', "", NULL, "!gap;" ASKED(3), .wait_ms = 1300 },
	{ 's', "P", RESPONSE(3), "=/3 200 1300002+1300002 [a3];" },
};

static const struct tcp_step hidden_at_first[] = { /* the same of the first request, and the SYN+ACK was not captured */
	{ 'c', "S" },
	{ 's', "P", RESPONSE(1), .seq = 1, .ack = 81 },
	{ 'c', "P", POST(2), NULL, .seq = 41, .ack = 1 },
	{ 's', "P", RESPONSE(2), "!gap;" ASKED(2) "=/2 out_of_step;", .ack = 81, .wait_ms = 1300 },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 's', "P", RESPONSE(3), "=/3 out_of_step;" },
};

static const struct tcp_step joined_and_pipelined[] = { /* more was answered than was seen to be asked */
	{ 's', "P", RESPONSE(1), .seq = 1, .ack = 141 },
	{ 'c', "P", POST(2), ASKED(2), .seq = 100, .ack = 1 },
	{ 's', "P", RESPONSE(2), .ack = 141 },
	{ 'c', "P", POST(3), ASKED(3) },
	{ 's', "P", RESPONSE(3), "=/3 out_of_step;" },
};

static const struct tcp_step hidden_and_pipelined[] = { /* a request in a gap is still unanswered: whose response comes? */
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "P", RESPONSE(1), "=/1 200 1+1 [a1];", .ack = 81 },
	{ 'c', "P", POST(3), NULL, .seq = 81 },
	{ 'c', "", NULL, "!gap;" ASKED(3), .wait_ms = 1300 },
	{ 's', "P", RESPONSE(2), "=/3 out_of_step;" },
	{ 's', "P", RESPONSE(3) },
	{ 'c', "P", POST(4), ASKED(4) },
	{ 's', "P", RESPONSE(4), "=/4 out_of_step;" }, /* who asked on once may do so again */
};

static const struct tcp_step lost_request[] = { /* nobody asks for the response of a request that is not whole */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\n" },
	{ 'c', "P", "cd", .seq = 42 },
	{ 's', "P", RESPONSE(1) },
	{ 'c', "P", POST(2), "!gap;" ASKED(2), .wait_ms = 1300 },
	{ 's', "P", RESPONSE(2), "=/2 200 1+1 [a2];" },
};

static const struct tcp_step resets_before[] = {
	HANDSHAKE,
	{ 'c', "P", POST(1), ASKED(1) },
	{ 's', "" },
	{ 's', "R", NULL, "=/1 unseen;" },
};

static const struct tcp_story stories[] = {
	STORY(in_turn),
	STORY(pipelined),
	STORY(interim),
	STORY(no_body),
	STORY(chunked),
	STORY(trailers),
	STORY(trailers_too_large),
	STORY(trailers_unkept, .max_response = 4),
	STORY(trailers_cut),
	STORY(events),
	STORY(until_close),
	STORY(until_reset),
	STORY(until_close_gap),
	STORY(half_closed),
	STORY(early),
	STORY(early_begin),
	STORY(ahead),
	STORY(switching),
	STORY(tunnel),
	STORY(gap_in_head),
	STORY(gap_in_body),
	STORY(gap_over_two),
	STORY(gap_in_chunk),
	STORY(snaplen),
	STORY(malformed),
	STORY(one_way, .expect_end = "=/3 unseen;", .stats = "one_way=1"),
	STORY(one_way_midstream, .expect_end = NULL),
	STORY(midstream),
	STORY(no_response),
	STORY(ends_in_response, .expect_end = "=/1 cut_at_end;=/2 cut_at_end;"),
	STORY(falls_silent, .expect_end = "=/9 unseen;"),
	STORY(closes_in_response),
	STORY(too_large, .max_response = 4),
	STORY(gap_in_requests),
	STORY(hidden_at_first),
	STORY(joined_and_pipelined, .expect_end = "=/2 cut_at_end;"),
	STORY(hidden_and_pipelined),
	STORY(lost_request),
	STORY(resets_before),
};

int main(void)
{
	memset(long_value, 'v', LONG_VALUE);
	return tcp_stories_main("pairs", stories, sizeof(stories) / sizeof(stories[0]));
}
