/* test_tracker.c - connections: directions, order, loss, reuse, ends; each story at four ISNs */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#define HANDSHAKE { 'c', "S" }, { 's', "S" }, { 'c', "" }
#define GET1 "GET /1 HTTP/1.1\r\n\r\n" /* 19 bytes */
#define GET2 "GET /2 HTTP/1.1\r\n\r\n"
#define GET3 "GET /3 HTTP/1.1\r\n\r\n"
#define GET4 "GET /4 HTTP/1.1\r\n\r\n"
#define POST1 "POST /1 HTTP/1.1\r\nContent-Length: 10\r\n\r\n" /* 40 bytes */
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" /* 40 bytes */

/* Capture time in which a gap that was acknowledged is given up, whatever comes. */
#define LATE .wait_ms = 1300

#define STORY(name, ...) { #name, STEPS(name), __VA_ARGS__ }

/* ---- order ---- */

static const struct tcp_step plain[] = {
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
	{ 's', "P", OK },
	{ 'c', "F" },
	{ 's', "F" },
	{ 'c', "" },
};

static const struct tcp_step reordered[] = {
	HANDSHAKE,
	{ 'c', "P", "56789", NULL, .seq = 46 },
	{ 'c', "P", "01234", NULL, .seq = 41 },
	{ 'c', "P", POST1, "POST /1 [0123456789];", .seq = 1 },
	{ 's', "P", OK },
};

static const struct tcp_step first_seen_wins[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 },
	{ 'c', "P", "cd", NULL, .seq = 43 },
	{ 'c', "P", "ABCDEF", NULL, .seq = 41 },    /* A, B and E, F are new */
	{ 'c', "P", "xxxxxxghij", "POST /1 [ABcdEFghij];", .seq = 41 },
	{ 'c', "P", "0000000000", NULL, .seq = 41 },
};

static const struct tcp_step overlaps_held[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 },
	{ 'c', "P", "ef", NULL, .seq = 45 },
	{ 'c', "P", "ij", NULL, .seq = 49 },
	{ 'c', "P", "DEFGHIJ", NULL, .seq = 44 },   /* around two held ones */
	{ 'c', "P", "ab", NULL, .seq = 41 },
	{ 'c', "P", "Bc", "POST /1 [abcDefGHij];", .seq = 42 },
};

static const struct tcp_step probes[] = {
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "", "x", NULL, .seq = 19 },          /* keep-alive with a byte before next */
	{ 's', "" },
	{ 'c', "", NULL, NULL, .seq = 19 },         /* and without */
	{ 's', "" },
	{ 'c', "P", "P" },                          /* zero-window probe: one byte of what follows */
	{ 's', "", NULL, NULL, .ack = 20 },
	{ 'c', "P", POST1 "0123456789", "POST /1 [0123456789];", .seq = 20 },
};

static const struct tcp_step fast_open[] = {
	{ 'c', "S", GET1, "GET /1;" },
	{ 's', "S" },
	{ 'c', "", GET1, NULL, .seq = 1 },          /* the cookie was refused: sent again */
	{ 's', "P", OK },
};

static const struct tcp_step fast_open_late_syn[] = {
	{ 's', "S", NULL, NULL, .ack = 20 },
	{ 'c', "S", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step syn_late[] = {
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 1 },
	{ 'c', "S" },
	{ 's', "S" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step syn_after_second[] = {
	{ 'c', "P", "01234", NULL, .seq = 41, .ack = 1 },
	{ 'c', "P", "56789", NULL, .seq = 46, .ack = 1 },
	{ 'c', "S" },
	{ 's', "S" },
	{ 'c', "P", POST1, "POST /1 [0123456789];", .seq = 1, .ack = 1 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step syn_of_another[] = { /* what was kept is far from it */
	{ 'c', "Pk", "01234", NULL, .seq = 90000000, .ack = 1 },
	{ 'c', "S" },
	{ 's', "S" },
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 1 },
};

static const struct tcp_step syn_copies[] = {
	{ 'c', "S" }, { 'c', "S" }, { 's', "S" }, { 's', "S" }, { 'c', "" },
	{ 'c', "P", GET1, "GET /1;" },
	{ 'c', "S" },
	{ 's', "S" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step midstream[] = {
	{ 's', "P", "d of an answer", NULL, .seq = 1000 },
	{ 'c', "P", "nd of a body", NULL, .seq = 500, .ack = 1000 },
	{ 's', "P", OK },
	{ 'c', "P", GET1 },
	{ 's', "P", OK, "GET /1;" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step midstream_inside_body[] = {
	{ 'c', "P", "some body", NULL, .seq = 500, .ack = 1000 },
	{ 'c', "P", GET1, NULL, .ack = 1000 },      /* still that body: nothing was answered */
	{ 'c', "P", GET2, NULL, .ack = 1000 },
	{ 's', "P", OK, NULL, .seq = 1000 },
	{ 'c', "P", GET3 },
	{ 's', "P", OK, "GET /3;" },
};

static const struct tcp_step midstream_probe[] = { /* one byte that the server had, of each kind of system */
	{ 'c', "z", NULL, NULL, .seq = 499, .ack = 1000 },
	{ 's', "", NULL, NULL, .seq = 1000, .ack = 500 },
	{ 'c', "P", GET1, "GET /1;", .seq = 500, .ack = 1000 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step midstream_byte[] = { /* the byte before is one of a body */
	{ 'c', "", "0", NULL, .seq = 499, .ack = 1000 },
	{ 's', "", NULL, NULL, .seq = 1000, .ack = 500 },
	{ 'c', "P", GET1, NULL, .seq = 500, .ack = 1000 },
	{ 's', "P", OK },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step midstream_gap[] = { /* a head may lie in the gap, and its body quote a request */
	{ 'c', "P", "the end of a body", NULL, .seq = 100, .ack = 1 },
	{ 'c', "P", GET2, NULL, .seq = 200, .ack = 50 },
	{ 's', "P", OK, NULL, .seq = 50 },
	{ 'c', "P", GET3, "!gap;" },
	{ 's', "P", OK, "GET /3;" },
};

static const struct tcp_step midstream_late_head[] = {
	{ 'c', "P", "56789", NULL, .seq = 545, .ack = 1000 },
	{ 's', "", NULL, NULL, .seq = 1000, .ack = 550 },
	{ 'c', "P", "01234", NULL, .seq = 540, .ack = 1000 },
	{ 'c', "P", POST1, "POST /1 [0123456789];", .seq = 500, .ack = 1000 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step midstream_many_late[] = { /* more than are kept: then they are a body, and what follows is its */
	{ 'c', "P", "a", NULL, .seq = 501, .ack = 1000 }, { 'c', "P", "b", NULL, .seq = 503, .ack = 1000 },
	{ 'c', "P", "c", NULL, .seq = 505, .ack = 1000 }, { 'c', "P", "d", NULL, .seq = 507, .ack = 1000 },
	{ 'c', "P", "e", NULL, .seq = 509, .ack = 1000 }, { 'c', "P", "f", NULL, .seq = 511, .ack = 1000 },
	{ 'c', "P", "g", NULL, .seq = 513, .ack = 1000 }, { 'c', "P", "h", NULL, .seq = 515, .ack = 1000 },
	{ 'c', "P", "i", NULL, .seq = 517, .ack = 1000 }, { 'c', "P", "j", NULL, .seq = 519, .ack = 1000 },
	{ 'c', "P", "k", NULL, .seq = 521, .ack = 1000 }, { 'c', "P", "l", NULL, .seq = 523, .ack = 1000 },
	{ 'c', "P", "m", NULL, .seq = 525, .ack = 1000 }, { 'c', "P", "n", NULL, .seq = 527, .ack = 1000 },
	{ 'c', "P", "o", NULL, .seq = 529, .ack = 1000 }, { 'c', "P", "p", NULL, .seq = 531, .ack = 1000 },
	{ 'c', "P", "q", NULL, .seq = 533, .ack = 1000 },
	{ 'c', "P", GET1, NULL, .seq = 534, .ack = 1000 },
	{ 's', "P", OK, NULL, .seq = 1000 },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step missing_fin[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
};

static const struct tcp_step half_close[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01234" },
	{ 'c', "FP", "56789", "POST /1 [0123456789];" },
	{ 's', "P", OK },
	{ 's', "F" },
	{ 'c', "" },
};

static const struct tcp_step server_closes_early[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01234" },
	{ 's', "PF", OK },
	{ 'c', "P", "56789", "POST /1 [0123456789];" },
	{ 'c', "F" },
};

static const struct tcp_step fin_in_the_middle[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01234" },
	{ 'c', "F", NULL, "!reset;" },
	{ 's', "F" },
};

static const struct tcp_step fin_before_data[] = {
	HANDSHAKE,
	{ 'c', "F", NULL, NULL, .seq = 20 },
	{ 'c', "P", GET1, "GET /1;", .seq = 1 },
	{ 's', "F" },
};

static const struct tcp_step fin_acked_past_gap[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01", NULL },
	/* 3 bytes lost */
	{ 'c', "P", "56789", NULL, .seq = 46 },
	{ 'c', "F" },
	{ 's', "F" },
	{ 'c', "", NULL, "!gap;", LATE },
};

/* ---- resets ---- */

static const struct tcp_step reset[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "R", NULL, "!reset;" },
	{ 'c', "P", "23456789", NULL },
};

static const struct tcp_step reset_garbage[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 's', "" },
	{ 'c', "Rk", NULL, NULL, .seq = 30000000 },
	{ 'c', "Rk", NULL, NULL, .seq = 2000000000 },
	{ 's', "Rk", NULL, NULL, .seq = 3000000000 },
	{ 'c', "Rk", NULL, NULL, .seq = 4000000000 },
	{ 'c', "P", "23456789", "POST /1 [0123456789];" },
};

static const struct tcp_step reset_by_server[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 's', "R", NULL, "!reset;" },
};

static const struct tcp_step reset_ahead[] = { /* the server has read all, answered and reset; its packets came first */
	HANDSHAKE,
	{ 's', "P", OK, NULL, .ack = 51 },
	{ 's', "R", NULL, NULL, .ack = 51 },
	{ 'c', "P", POST1, NULL, .seq = 1, .ack = 1, .wait_ms = 8 },
	{ 'c', "P", "0123456789", "POST /1 [0123456789];", .ack = 1 },
	{ 'c', "P", GET2, NULL, .ack = 41 }, /* and that was the end */
};

static const struct tcp_step reset_before_data[] = { /* of the same direction; what does not come is lost after a while */
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "R", NULL, NULL, .seq = 51 },
	{ 'c', "P", "2345", NULL, .seq = 43 },
	{ 'c', "S", NULL, "!reset;", .port = 50000, .wait_ms = 1300 },
};

static const struct tcp_step reset_and_reused[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "R", NULL, NULL, .seq = 51 },
	{ 'c', "S", NULL, "!reset;", .isn_shift = 100 }, { 's', "S", .isn_shift = 100 },
	{ 'c', "P", GET1, "GET /1;" },
};

static const struct tcp_step syn_refused[] = {
	{ 'c', "S" },
	{ 's', "R", NULL, NULL, .seq = 4294967200 },
	{ 'c', "S", .isn_shift = 5 },
	{ 's', "S" },
	{ 'c', "P", GET1, "GET /1;" },
};

/* ---- garbage far away ---- */

static const struct tcp_step strays[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 's', "", NULL, NULL, .ack = 43 },
	{ 'c', "Pk", "far ahead", NULL, .seq = 500000000 },
	{ 's', "k", NULL, NULL, .ack = 600000000 },
	{ 'c', "Pk", "far ahead", NULL, .seq = 1500000000 },
	{ 'c', "Pk", "far behind", NULL, .seq = 3000000000 },
	{ 's', "k", NULL, NULL, .ack = 1600000000 },
	{ 'c', "P", "6789", NULL, .seq = 47 },
	{ 'c', "P", "2345", "POST /1 [0123456789];", .seq = 43 },
};

static const struct tcp_step jumped[] = { /* a capture that stood still while more than a window went by */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "", "body body ", NULL, .seq = 200000000, .ack = 41 },
	{ 'c', "", "body body ", NULL, .ack = 41 },
	{ 'c', "", "body body ", NULL, .ack = 41 },
	{ 's', "P", OK },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

/* ---- another incarnation of the 4-tuple ---- */

static const struct tcp_step reused_after_close[] = {
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" }, { 'c', "F" }, { 's', "F" }, { 'c', "" },
	{ 'c', "S", .isn_shift = 10 }, { 's', "S", .isn_shift = 99999 }, { 'c', "" },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step reused_inside_window[] = { /* no FIN was captured, the ISN lies in the old window */
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "S", .isn_shift = 30 },
	{ 's', "S", NULL, "!reset;", .isn_shift = 1000 },
	{ 'c', "P", GET1, "GET /1;" },
};

static const struct tcp_step reused_far[] = { /* only the client's direction: its data confirms the SYN */
	{ 'c', "S" }, { 'c', "" },
	{ 'c', "P", POST1 "01", NULL, .ack = 1 },
	{ 'c', "S", .isn_shift = 3000000 },
	{ 'c', "P", GET1, "!reset;GET /1;", .ack = 7000000 },
};

static const struct tcp_step late_for_closed[] = { /* copies of every segment, when all is over: nobody's begin */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" }, { 's', "P", OK }, { 'c', "F" }, { 's', "F" }, { 'c', "" },
	{ 'c', "Pk", GET1, .seq = 1, .ack = 1 }, { 's', "Sk" }, { 'c', "Sk" }, { 's', "Pk", OK, .seq = 1, .ack = 29 },
	{ 'c', "k" }, { 'c', "Fk", .seq = 29, .ack = 41 }, { 's', "Fk", .seq = 41, .ack = 30 }, { 'c', "Rk" },
	{ 'c', "Pk", GET1, .seq = 1, .ack = 1 },
};

static const struct tcp_step late_syn_for_closed[] = { /* which was midstream until its end */
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 1 }, { 's', "P", OK, .seq = 1, .ack = 29 },
	{ 'c', "F" }, { 's', "F" }, { 'c', "Sk" }, { 's', "Sk" }, { 'c', "Pk", GET1, .seq = 1, .ack = 1 },
};

static const struct tcp_step noted_before_close[] = { /* a SYN of the next incarnation comes, then the end of this one */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" }, { 's', "P", OK }, { 'c', "S", .isn_shift = 5000000 }, { 's', "R" },
	{ 'c', "P", GET1, "GET /1;" },
};

static const struct tcp_step lives[] = { /* one after another on the same ends */
	HANDSHAKE, { 'c', "P", GET1, "GET /1;" }, { 'c', "F" }, { 's', "F" }, { 'c', "" },
	{ 'c', "S", .isn_shift = 10 }, { 's', "S", .isn_shift = 9 }, { 'c', "P", GET2, "GET /2;" }, { 'c', "R" },
	{ 'c', "S", .isn_shift = 10 }, { 's', "S", .isn_shift = 9 }, { 'c', "P", POST1 "01" }, { 's', "R", NULL, "!reset;" },
	{ 'c', "Pk", "23456789" }, { 'c', "S", .isn_shift = 10 }, { 'c', "P", GET1, "GET /1;" },
};

static const struct tcp_step syn_stray[] = { /* a forged SYN in the middle changes nothing */
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "Sk", NULL, NULL, .seq = 1000 },
	{ 'c', "Sk", NULL, NULL, .seq = 3000000000 },
	{ 's', "" },
	{ 'c', "P", "23456789", "POST /1 [0123456789];" },
};

static const struct tcp_step late_copies_after_close[] = {
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" }, { 's', "P", OK }, { 'c', "F" }, { 's', "F" }, { 'c', "" },
	{ 'c', "P", GET1, NULL, .seq = 1, .ack = 1 },
	{ 's', "P", OK, NULL, .seq = 1 },
};

/* ---- directions ---- */

static const struct tcp_step one_way[] = {
	{ 'c', "S" }, { 'c', "", NULL, NULL, .ack = 1 },
	{ 'c', "P", GET1, "GET /1;", .ack = 1 },
	{ 'c', "P", GET2, "GET /2;", .ack = 41 },
	{ 'c', "F", NULL, NULL, .ack = 81 },
};

static const struct tcp_step one_way_gap[] = {
	{ 'c', "S" },
	{ 'c', "P", POST1 "01", NULL, .ack = 1 },
	/* "23456789" lost */
	{ 'c', "P", GET1, NULL, .seq = 51, .ack = 41 },
	{ 'c', "P", GET2, NULL, .ack = 81 },
	{ 'c', "P", GET3, NULL, .ack = 121 },
	{ 'c', "P", GET4, "!gap;GET /1;GET /2;GET /3;GET /4;", .ack = 161, LATE },
};

static const struct tcp_step responses_first[] = { /* the server's packets are captured ahead of the client's */
	{ 's', "S", NULL, NULL, .ack = 1 },
	{ 's', "P", OK, NULL, .ack = 20 },
	{ 'c', "S" }, { 'c', "" },
	{ 'c', "P", GET1, "GET /1;", .ack = 1 },
	{ 's', "P", OK, NULL, .ack = 39 },
	{ 'c', "P", GET2, "GET /2;", .seq = 20, .ack = 41 },
	{ 's', "P", OK, NULL, .ack = 89 },
	{ 'c', "P", "56789", NULL, .seq = 84, .ack = 81 },
	{ 'c', "P", POST1 "01234", "POST /1 [0123456789];", .seq = 39, .ack = 81 },
};

static const struct tcp_step same_ports[] = {
	{ 'c', "S", .port = SERVER_PORT }, { 's', "S", .port = SERVER_PORT }, { 'c', "", .port = SERVER_PORT },
	{ 'c', "P", GET1, "GET /1;", .port = SERVER_PORT },
	{ 's', "P", OK, .port = SERVER_PORT },
	{ 'c', "P", GET2, "GET /2;", .port = SERVER_PORT },
};

static const struct tcp_step same_ports_midstream[] = {
	{ 's', "P", "junk", NULL, .seq = 1, .port = SERVER_PORT },
	{ 's', "P", OK, .port = SERVER_PORT },
	{ 'c', "P", GET1, .port = SERVER_PORT },
	{ 's', "P", OK, "GET /1;", .port = SERVER_PORT },
};

static const struct tcp_step domains[] = { /* the same ends in two VLANs are two connections */
	{ 'c', "S", .domain = 1 }, { 'c', "Sk", .domain = 2 },
	{ 'c', "Pk", POST1 "01", NULL, .seq = 1, .ack = 1, .domain = 1 },
	{ 'c', "Pk", POST1 "ab", NULL, .seq = 1, .ack = 1, .domain = 2 },
	{ 'c', "Pk", "23456789", "POST /1 [0123456789];", .seq = 43, .ack = 1, .domain = 1 },
	{ 'c', "Pk", "cdefghij", "POST /1 [abcdefghij];", .seq = 43, .ack = 1, .domain = 2 },
};

/* ---- gaps ---- */

static const struct tcp_step gap_in_body[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "012" },
	/* "345" lost */
	{ 'c', "P", "6789" GET1, NULL, .seq = 47 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "!gap;GET /1;GET /2;", LATE },
};

static const struct tcp_step gap_over_body_end[] = { /* the rest of the body and a whole GET */
	HANDSHAKE,
	{ 'c', "P", POST1 "012" },
	{ 's', "P", OK OK, NULL, .ack = 70 },
	{ 'c', "P", GET2, NULL, .seq = 70 },
	{ 's', "", NULL, "!gap;!gap;GET /2;", LATE },
};

static const struct tcp_step gap_between[] = { /* exactly one request lost, everything else seen */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "" },
	{ 's', "P", OK, NULL, .ack = 39 },
	{ 'c', "" },
	{ 'c', "P", GET3, NULL, .seq = 39 },
	{ 's', "P", OK, "!gap;GET /3;", LATE },
	{ 'c', "P", GET4, "GET /4;" },
};

static const struct tcp_step gap_swallows_head[] = { /* the body of the lost head looks like a request */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
	{ 'c', "" },
	{ 's', "", NULL, NULL, .ack = 60 },
	{ 'c', "P", GET3, NULL, .seq = 60 },
	{ 's', "P", OK, "!gap;", LATE },
	{ 'c', "P", GET4 },
	{ 's', "P", OK, "GET /4;" },
};

static const struct tcp_step unseen_first[] = { /* the head is lost: something was asked, as the response shows */
	HANDSHAKE,
	{ 'c', "P", "0123456789", NULL, .seq = 41 },
	{ 's', "P", OK, NULL, .ack = 51 },
	{ 'c', "P", GET2, "!gap;", LATE },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step unseen_all[] = { /* nothing but the end was seen of the client */
	HANDSHAKE,
	{ 's', "P", OK, NULL, .ack = 20 },
	{ 'c', "F", NULL, NULL, .seq = 20 },
	{ 's', "F", NULL, "!gap;", LATE },
};

static const struct tcp_step unseen_one_way[] = { /* the responses are not captured: the next request shows it, in the end */
	{ 'c', "S" },
	{ 'c', "P", "0123456789", NULL, .seq = 41, .ack = 1 },
	{ 'c', "P", GET2, NULL, .ack = 41 },
	{ 'c', "P", GET3, NULL, .ack = 81 },
	{ 'c', "P", GET4, "GET /2;GET /3;GET /4;", .ack = 121, LATE },
	{ 'c', "F", NULL, "!gap;", .ack = 161 },
};

static const struct tcp_step unseen_what[] = { /* who knows what this speaks */
	HANDSHAKE,
	{ 'c', "P", "EHLO client\r\n", NULL, .seq = 41 },
	{ 's', "P", "220 mail.example ESMTP\r\n", NULL, .ack = 54 },
	{ 'c', "P", "QUIT\r\n", NULL, LATE },
	{ 'c', "F" }, { 's', "F" },
};

static const struct tcp_step unseen_protocol[] = { /* after an upgrade that may have been granted */
	HANDSHAKE,
	{ 'c', "P", "GET /1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n", "GET /1;" },
	{ 's', "", NULL, NULL, .ack = 100 },
	{ 'c', "P", "other bytes", NULL, .seq = 100 },
	{ 's', "", LATE },
};

static const struct tcp_step unseen_line[] = { /* two bytes behind a body may be an empty line */
	HANDSHAKE,
	{ 'c', "P", POST1 "0123456789", "POST /1 [0123456789];" },
	{ 's', "P", OK, NULL, .ack = 53 },
	{ 'c', "P", GET2, NULL, .seq = 53 },
	{ 's', "P", OK, "GET /2;", LATE },
};

static const struct tcp_step gap_in_head[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-" },
	/* "Length: 19\r\n\r\n" lost */
	{ 'c', "P", GET1, NULL, .seq = 41 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "!gap;", LATE },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step lost_first_byte[] = { /* "OST /..." is no request */
	HANDSHAKE,
	{ 'c', "P", "OST /1 HTTP/1.1\r\n\r\n", NULL, .seq = 2 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, NULL, LATE },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step gap_in_chunked[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel" },
	{ 'c', "P", GET1, NULL, .seq = 100 },       /* inside a chunk */
	{ 'c', "P", "\r\n0\r\n\r\n", NULL },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "!gap;", LATE },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step gap_in_pipeline[] = {
	HANDSHAKE,
	{ 'c', "P", GET1 GET2, "GET /1;GET /2;" },
	{ 'c', "P", GET4, NULL, .seq = 58, .ack = 1 },
	{ 's', "P", OK OK OK OK },
	{ 'c', "P", GET1, "!gap;GET /4;GET /1;", LATE },
};

static const struct tcp_step gap_then_expect[] = { /* head lost; the 100 moves the ack but isn't the response */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-contin" },
	{ 's', "P", "HTTP/1.1 100 Continue\r\n\r\n", NULL, .ack = 80 },
	{ 'c', "P", GET1, NULL, .seq = 80 },        /* is its body */
	{ 's', "P", OK, "!gap;", LATE },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step gap_end_and_head[] = { /* of one request and of the next, whose body we see */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel" },
	{ 's', "P", OK, NULL, .ack = 200 },         /* it ended there */
	{ 'c', "" },
	{ 's', "", NULL, NULL, .ack = 260 },
	{ 'c', "P", GET1, NULL, .seq = 260 },
	{ 's', "P", OK, "!gap;", LATE },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step gap_in_both[] = { /* the response is missing as well: the client's acks must do */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-" },
	{ 's', "", NULL, NULL, .ack = 60 },
	{ 'c', "P", GET1, NULL, .seq = 60, .ack = 41 },
	{ 's', "P", OK, "!gap;GET /1;", .seq = 41, LATE },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step gap_and_silence[] = { /* what waits behind it does not wait for this connection to go on */
	HANDSHAKE,
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK OK, NULL, .ack = 39 },
	{ 'c', "P", GET3, NULL, .seq = 39 },
	{ 'c', "S", NULL, NULL, .port = 50000, .wait_ms = 900 },
	{ 'c', "S", NULL, "!gap;GET /3;", .port = 50001, .wait_ms = 600 },
};

static const struct tcp_step late_head[] = { /* acknowledged, answered, and more was sent: the packet just came late */
	HANDSHAKE,
	{ 's', "", NULL, NULL, .ack = 41 },
	{ 'c', "P", "0123456789", NULL, .seq = 41, .ack = 1 },
	{ 's', "P", OK, NULL, .ack = 51 },
	{ 'c', "P", GET2, NULL, .wait_ms = 8 },
	{ 's', "P", OK },
	{ 'c', "P", POST1, "POST /1 [0123456789];GET /2;", .seq = 1, .ack = 1, .wait_ms = 8 },
	{ 'c', "F", NULL, NULL, .seq = 70 }, { 's', "F" }, { 'c', "" },
};

static const struct tcp_step late_behind_the_end[] = { /* the FIN is acknowledged already */
	HANDSHAKE,
	{ 'c', "P", POST1 },
	{ 'c', "F", NULL, NULL, .seq = 51 },
	{ 's', "PF", OK, NULL, .ack = 52 },
	{ 'c', "" },
	{ 'c', "P", "0123456789", "POST /1 [0123456789];", .seq = 41, .wait_ms = 20 },
};

static const struct tcp_step end_first[] = { /* of each direction the end is seen before anything else */
	{ 's', "P", OK, NULL, .seq = 1, .ack = 20 },
	{ 'c', "F", NULL, NULL, .seq = 20, .ack = 41 },
	{ 's', "Sk", NULL, NULL, .ack = 1 },
	{ 'c', "Sk" },
	{ 's', "F", NULL, NULL, .seq = 41, .ack = 21 },
	{ 'c', "P", GET1, "GET /1;", .seq = 1, .ack = 1 },
};

static const struct tcp_step only_ends[] = { /* nothing else comes: it is over, and the next one may begin */
	{ 's', "P", OK, NULL, .seq = 1, .ack = 20 },
	{ 'c', "F", NULL, NULL, .seq = 20, .ack = 41 },
	{ 's', "F", NULL, NULL, .seq = 41, .ack = 21 },
	{ 'c', "", NULL, NULL, .ack = 42 },
	{ 'c', "S", NULL, NULL, .port = 50000, .wait_ms = 1300 },
	{ 'c', "Pk", GET1, NULL, .seq = 1, .ack = 1 },
};

static const struct tcp_step late_body[] = { /* behind its 100 and its response, which acknowledges it; it quotes a request */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n" },
	{ 's', "P", "HTTP/1.1 100 Continue\r\n\r\n" },
	{ 's', "P", OK, NULL, .ack = 82 },
	{ 'c', "P", GET1, "POST /1 [" GET1 "];", .ack = 26 },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step capture_reorder[] = { /* the ack comes before the data it acknowledges: no gap */
	HANDSHAKE,
	{ 's', "", NULL, NULL, .ack = 51 },
	{ 'c', "P", "56789", NULL, .seq = 46 },
	{ 'c', "P", POST1 "01234", "POST /1 [0123456789];", .seq = 1 },
};

static const struct tcp_step hold_limit[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "0" },
	{ 'c', "P", "23456789" GET1 GET2, "!gap;GET /1;GET /2;", .seq = 43 },
};

static const struct tcp_step split_candidate[] = { /* the next request's line itself comes in pieces */
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-" },
	{ 's', "P", OK, NULL, .ack = 60 },
	{ 'c', "P", "GE", NULL, .seq = 60 },
	{ 'c', "P", "T /2 HTT", "!gap;", LATE },
	{ 'c', "P", "P/1.1\r\nA: b\r\n\r\n" },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step candidate_was_none[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nContent-" },
	{ 's', "P", OK, NULL, .ack = 60 },
	{ 'c', "P", "GET", NULL, .seq = 60 },       /* could have been one */
	{ 's', "P", OK, "!gap;", LATE },
	{ 'c', "P", GET2 },                         /* "GETGET" isn't, but this segment begins one */
	{ 's', "P", OK, "GET /2;" },
};

/* ---- urgent data ---- */

static const struct tcp_step urgent_byte[] = { /* a segment of its own, as send(MSG_OOB) makes it; then it comes again */
	HANDSHAKE,
	{ 'c', "P", POST1 "01234" },
	{ 'c', "PU", "X", .urgent = 1 },
	{ 'c', "P", "567", .seq = 47 },
	{ 'c', "PUk", "X", .seq = 46, .urgent = 1 },
	{ 'c', "P", "89", "POST /1 [0123456789];" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step urgent_end[] = { /* the last of what was sent at once: the pointer comes ahead of it */
	HANDSHAKE,
	{ 'c', "U", POST1 "01", .urgent = 46 },     /* means the byte 45 further */
	{ 'c', "PU", "234X", .urgent = 4 },
	{ 'c', "P", "56789", "POST /1 [0123456789];" },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step urgent_zero[] = { /* means the first byte, as 1 does */
	HANDSHAKE,
	{ 'c', "PU", "X" GET1, "GET /1;", .urgent = 0 },
};

static const struct tcp_step urgent_held[] = { /* behind a gap; other bytes are around it */
	HANDSHAKE,
	{ 'c', "P", POST1 },
	{ 'c', "PU", "34X56", NULL, .seq = 44, .urgent = 3 },
	{ 'c', "P", "789", NULL, .seq = 49 },
	{ 'c', "P", "012", "POST /1 [0123456789];", .seq = 41 },
};

static const struct tcp_step urgent_in_line[] = { /* what the service reads is no request */
	HANDSHAKE,
	{ 'c', "P", "GET /1" },
	{ 'c', "PU", " ", .urgent = 1 },
	{ 'c', "P", "HTTP/1.1\r\n\r\n", "!malformed;" },
};

static const struct tcp_step urgent_twice[] = { /* was the first one read before the second came? */
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "PU", "X", .urgent = 1 },
	{ 'c', "P", "23" },
	{ 'c', "PU", "Y", "!urgent;", .urgent = 1 },
	{ 'c', "P", "456789" },
	{ 's', "P", OK },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step urgent_too_late[] = { /* the pointer is captured behind the byte that it means */
	HANDSHAKE,
	{ 'c', "P", POST1 },
	{ 'c', "P", "0123X" },
	{ 'c', "Uk", "01", "!urgent;", .seq = 41, .urgent = 5 },
	{ 'c', "P", "456789" },
	{ 'c', "Uk", "01", NULL, .seq = 41, .urgent = 5 },
	{ 's', "P", OK },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step urgent_midstream[] = {
	{ 'c', "PU", "X" GET1, NULL, .seq = 500, .ack = 1000, .urgent = 1 },
	{ 's', "P", OK, NULL, .seq = 1000 },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

/* ---- the snaplen ---- */

static const struct tcp_step truncated_body[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "0123", "!truncated;", .missing = 6 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

static const struct tcp_step truncated_head[] = {
	HANDSHAKE,
	{ 'c', "P", "POST /1 HTTP/1.1\r\nA: b", "!truncated;", .missing = 100 },
	{ 's', "P", OK },
	{ 'c', "P", GET2 },
	{ 's', "P", OK, "GET /2;" },
};

static const struct tcp_step truncated_held[] = {
	HANDSHAKE,
	{ 'c', "P", "01", NULL, .seq = 41, .missing = 8 },
	{ 'c', "P", POST1, "!truncated;", .seq = 1 },
	{ 's', "P", OK },
	{ 'c', "P", GET2, "GET /2;" },
};

/* ---- time and bounds ---- */

static const struct tcp_step idle[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "S", NULL, "!idle;", .port = 50000, .wait_ms = 61000 },
};

static const struct tcp_step pause_within_limit[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01" },
	{ 'c', "P", "23456789", "POST /1 [0123456789];", .wait_ms = 59000 },
};

static const struct tcp_step time_runs_backwards[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01", NULL, .wait_ms = -30000 },
	{ 's', "", .wait_ms = -3600000 },
	{ 'c', "P", "2345", NULL, .wait_ms = -3600000 },
	{ 's', "", .wait_ms = 7200000 },
	{ 'c', "P", "6789", "POST /1 [0123456789];" },
};

static const struct tcp_step too_large[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "01234" },
	{ 'c', "P", "56789", "!too_large;" },
	{ 'c', "P", "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n" },
	{ 'c', "P", "0\r\n\r\n", "!too_large;" },
	{ 'c', "P", "POST /3 HTTP/1.1\r\nContent-Length: 8\r\n\r\n01234567", "POST /3 [01234567];" },
	{ 'c', "P", POST1 "01" },
	{ 'c', "R", NULL, "!too_large;" },
};

static const struct tcp_step kept_head[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "0123456789", "POST /1;" },
};

static const struct tcp_step kept_nothing[] = {
	HANDSHAKE,
	{ 'c', "P", POST1 "0123456789" POST1, "(nothing);" },
	{ 'c', "P", "0123456789", "(nothing);" },
};

static const struct tcp_step not_ours[] = {
	HANDSHAKE,
	{ 's', "P", "220 mail.example ESMTP\r\n" },
	{ 'c', "P", "EHLO client\r\n" },
	{ 'c', "P", GET1 },
};

static const struct tcp_step tls[] = {
	HANDSHAKE,
	{ 'c', "P", "\x16\x03\x01\x02\x0f\x01" },
	{ 's', "P", "\x16\x03\x03" },
};

static const struct tcp_step tunnel_of_unparsed[] = { /* no SYN, no ports, nothing known: free */
	{ 'c', "P", "junk", NULL, .seq = 5, .ack = 5 },
	{ 'c', "P", "junk", NULL, .seq = 500, .ack = 5 },
	{ 's', "P", "junk", NULL, .seq = 5 },
	{ 'c', "P", GET1, "GET /1;" },
	{ 's', "P", OK },
};

/* The service's port is the client's here: its host opened the connection, and the SYN says so, or the SYN+ACK. */
static const struct tcp_step outgoing[] = {
	HANDSHAKE,
	{ 'c', "P", GET1 }, { 's', "P", OK }, { 'c', "P", GET2 }, { 's', "FP", OK }, { 'c', "F" }, { 's', "" },
	{ 'c', "S", NULL, NULL, .isn_shift = 1000000 }, { 's', "S" }, { 'c', "P", GET1 }, { 's', "P", OK },
};

static const struct tcp_step outgoing_syn_ack[] = {
	{ 's', "S", NULL, NULL, .ack = 1 },
	{ 'c', "P", GET1, NULL, .seq = 1 }, { 's', "P", OK }, { 'c', "P", GET2 },
};

static const struct tcp_step outgoing_late[] = {
	{ 'c', "P", GET1, NULL, .seq = 1, .ack = 1 }, { 'c', "S" }, { 's', "S" }, { 's', "P", OK }, { 'c', "P", GET2, NULL, .seq = 20 },
};

static const struct tcp_step outgoing_quoted[] = { /* what it reads there is no request either */
	HANDSHAKE,
	{ 'c', "P", GET1 }, { 's', "P", OK }, { 'c', "P", GET2 }, { 's', "P", POST1 "0123456789" }, { 'c', "" },
};

static const struct tcp_step outgoing_midstream[] = { /* only the ports tell: by them it sends responses */
	{ 'c', "P", GET1, NULL, .seq = 500, .ack = 1000 }, { 's', "P", OK }, { 'c', "P", GET2 }, { 's', "P", OK },
};

static const struct tcp_story stories[] = {
	STORY(outgoing, .stats = "seen=0 connections=2 outgoing=2 not_http=0 flows_open=0", .service = CLIENT_PORT),
	STORY(outgoing_syn_ack, .stats = "seen=0 outgoing=1", .service = CLIENT_PORT),
	STORY(outgoing_late, .stats = "seen=0 outgoing=1", .service = CLIENT_PORT),
	STORY(outgoing_quoted, .stats = "seen=0 outgoing=1", .service = CLIENT_PORT),
	STORY(outgoing_midstream, .stats = "seen=0 outgoing=0 midstream=1", .service = CLIENT_PORT),
	STORY(plain, .stats = "seen=2 outgoing=0 complete=2 connections=1 midstream=0 one_way=0 gaps=0"),
	STORY(reordered, .stats = "seen=1 complete=1 gaps=0"),
	STORY(first_seen_wins, .stats = "seen=1 retransmitted_bytes=18"),
	STORY(overlaps_held, .stats = "seen=1 complete=1"),
	STORY(probes, .stats = "seen=2 complete=2 gaps=0"),
	STORY(fast_open, .stats = "seen=1 complete=1 midstream=0 retransmitted_bytes=19"),
	STORY(fast_open_late_syn, .stats = "seen=2 connections=1 midstream=0"),
	STORY(syn_late, .stats = "seen=2 connections=1 midstream=0"),
	STORY(syn_after_second, .stats = "seen=2 complete=2 connections=1 midstream=0 gaps=0"),
	STORY(syn_of_another, .stats = "seen=1 complete=1 gaps=0"),
	{ "syn_after_second, without ports", STEPS(syn_after_second), .stats = "seen=2 complete=2",
	  .no_ports = true },
	STORY(syn_copies, .stats = "seen=2 connections=1"),
	STORY(midstream, .stats = "seen=2 connections=1 midstream=1"),
	STORY(midstream_inside_body, .stats = "seen=1 complete=1 midstream=1"),
	STORY(midstream_probe, .stats = "seen=2 complete=2 gaps=0"),
	STORY(midstream_gap, .stats = "complete=1"),
	STORY(midstream_byte, .stats = "seen=1 complete=1"),
	STORY(midstream_late_head, .stats = "seen=2 complete=2 gaps=0"),
	STORY(midstream_many_late, .stats = "seen=1 complete=1"),
	STORY(missing_fin, "!cut_at_end;", "seen=1 lost.cut_at_end=1"),
	STORY(half_close, .stats = "seen=1 complete=1 one_way=0"),
	STORY(server_closes_early, .stats = "seen=1 complete=1"),
	STORY(fin_in_the_middle, .stats = "seen=1 lost.reset=1"),
	STORY(fin_before_data, .stats = "seen=1 complete=1 gaps=0"),
	STORY(fin_acked_past_gap, .stats = "seen=1 lost.gap=1 gaps=1 gap_bytes=3"),
	STORY(reset, .stats = "seen=1 lost.reset=1 connections=1"),
	STORY(reset_garbage, .stats = "seen=1 complete=1"),
	STORY(reset_by_server, .stats = "seen=1 lost.reset=1"),
	STORY(reset_ahead, .stats = "seen=1 complete=1 connections=1 flows_open=0"),
	STORY(reset_before_data, .stats = "seen=1 lost.reset=1 connections=2"),
	STORY(reset_and_reused, .stats = "seen=2 complete=1 lost.reset=1 connections=2"),
	STORY(syn_refused, .stats = "seen=1 complete=1"),
	STORY(strays, .stats = "seen=1 complete=1 gaps=0"),
	STORY(jumped, .stats = "seen=2 complete=2"),
	STORY(reused_after_close, .stats = "seen=2 complete=2 connections=2"),
	STORY(late_for_closed, .stats = "seen=1 complete=1 connections=1 midstream=0 flows_open=0"),
	STORY(late_syn_for_closed, .stats = "seen=1 complete=1 connections=1 flows_open=0"),
	STORY(noted_before_close, .stats = "seen=2 complete=2 connections=2 midstream=0"),
	STORY(lives, .stats = "seen=4 complete=3 lost.reset=1 connections=4 midstream=0 flows_open=0"),
	STORY(reused_inside_window, .stats = "seen=2 complete=1 lost.reset=1 connections=2"),
	STORY(reused_far, .stats = "seen=2 lost.reset=1 connections=2"),
	STORY(syn_stray, .stats = "seen=1 complete=1 connections=1"),
	STORY(late_copies_after_close, .stats = "seen=1 complete=1 connections=1"),
	STORY(one_way, .stats = "seen=2 complete=2 one_way=1"),
	STORY(one_way_gap, .stats = "seen=5 complete=4 lost.gap=1"),
	STORY(responses_first, .stats = "seen=3 complete=3 gaps=0"),
	STORY(same_ports, .stats = "seen=2 complete=2"),
	STORY(same_ports_midstream, .stats = "seen=1 complete=1 midstream=1"),
	STORY(domains, .stats = "seen=2 complete=2 connections=2"),
	STORY(gap_in_body, .stats = "seen=3 complete=2 lost.gap=1 gap_bytes=3"),
	STORY(gap_over_body_end, .stats = "seen=3 complete=1 lost.gap=2"),
	STORY(gap_between, .stats = "seen=4 complete=3 lost.gap=1 gaps=1 gap_bytes=19"),
	STORY(gap_swallows_head, .stats = "seen=3 complete=2 lost.gap=1 gaps=1"),
	STORY(unseen_first, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(unseen_all, .stats = "seen=1 lost.gap=1"),
	STORY(unseen_one_way, .stats = "seen=4 complete=3 lost.gap=1"),
	STORY(unseen_what, .stats = "seen=0 gaps=1"),
	STORY(unseen_protocol, .stats = "seen=1 complete=1 gaps=1"),
	STORY(unseen_line, .stats = "seen=2 complete=2 gaps=1"),
	STORY(gap_in_head, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(lost_first_byte, .stats = "seen=1 complete=1 gap_bytes=1"),
	STORY(gap_in_chunked, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(gap_in_pipeline, .stats = "seen=5 complete=4 lost.gap=1 gaps=1"),
	STORY(gap_then_expect, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(gap_end_and_head, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(gap_in_both, .stats = "seen=3 complete=2 lost.gap=1"),
	STORY(gap_and_silence, .stats = "seen=3 complete=2 lost.gap=1 gaps=1 connections=3"),
	STORY(late_head, .stats = "seen=2 complete=2 gaps=0 flows_open=0"),
	STORY(late_behind_the_end, .stats = "seen=1 complete=1 gaps=0 flows_open=0"),
	STORY(end_first, .stats = "seen=1 complete=1 gaps=0 flows_open=0"),
	STORY(only_ends, .stats = "seen=0 connections=2"),
	STORY(late_body, .stats = "seen=2 complete=2"),
	STORY(capture_reorder, .stats = "seen=1 complete=1 gaps=0"),
	STORY(hold_limit, .stats = "seen=3 complete=2 lost.gap=1", .hold_bytes = 16),
	STORY(split_candidate, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(candidate_was_none, .stats = "seen=2 complete=1 lost.gap=1"),
	STORY(urgent_byte, .stats = "seen=2 complete=2 gaps=0"),
	STORY(urgent_end, .stats = "seen=2 complete=2"),
	STORY(urgent_zero, .stats = "seen=1 complete=1"),
	STORY(urgent_held, .stats = "seen=1 complete=1 gaps=0"),
	STORY(urgent_in_line, .stats = "seen=1 lost.malformed=1"),
	STORY(urgent_twice, .stats = "seen=2 complete=1 lost.urgent=1"),
	STORY(urgent_too_late, .stats = "seen=2 complete=1 lost.urgent=1"),
	STORY(urgent_midstream, .stats = "seen=1 complete=1"),
	STORY(truncated_body, .stats = "seen=2 complete=1 lost.truncated=1 gap_bytes=6"),
	STORY(truncated_head, .stats = "seen=2 complete=1 lost.truncated=1"),
	STORY(truncated_held, .stats = "seen=2 complete=1 lost.truncated=1"),
	STORY(idle, .stats = "seen=1 lost.idle=1"),
	STORY(pause_within_limit, .stats = "seen=1 complete=1"),
	STORY(time_runs_backwards, .stats = "seen=1 complete=1"),
	STORY(too_large, .stats = "seen=4 complete=1 lost.too_large=3", .max_body = 8),
	STORY(kept_head, .stats = "seen=1 complete=1", .keep = KEEP_HEAD, .max_body = 8),
	{ "kept_lent", STEPS(kept_head), .stats = "seen=1 complete=1", .keep = KEEP_BORROWED, .max_body = 8 },
	STORY(kept_nothing, .stats = "seen=2 complete=2", .keep_nothing = true, .max_body = 8),
	STORY(not_ours, .stats = "seen=0 not_http=1 tls=0", .no_ports = true),
	STORY(tls, .stats = "seen=0 not_http=1 tls=1"),
	STORY(tunnel_of_unparsed, .stats = "seen=1 midstream=1", .no_ports = true),
	{ "plain, without ports", STEPS(plain), .stats = "seen=2 complete=2", .no_ports = true },
	{ "reordered, without ports", STEPS(reordered), .stats = "seen=1 complete=1", .no_ports = true },
	{ "answers first, without ports", STEPS(responses_first), .stats = "seen=3 complete=3", .no_ports = true },
};

int main(void)
{
	return tcp_stories_main("tracker", stories, sizeof(stories) / sizeof(stories[0]));
}
