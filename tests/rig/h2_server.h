/*
 * h2_server.h - a server of HTTP/2 that does what a test tells it, on nghttp2's server session
 *
 * A connection that does not begin with the preface of HTTP/2 is one of HTTP/1, on
 * which each read is taken for a request and answered with 200.
 *
 * It has the loop of the client, one listening socket on 127.0.0.1 or a path, and
 * counts what it gets: a request that is sent twice is seen here.
 */
#ifndef TESTS_RIG_H2_SERVER_H
#define TESTS_RIG_H2_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <openssl/ssl.h>

#define H2_SERVER_REQUESTS_MAX 4096

/** enum h2_answer - what becomes of a request */
enum h2_answer {
	H2_ANSWER,        /* 200, the body echoed, and grpc-status if there is one */
	H2_HOLD,          /* nothing, until h2_server_release() */
	H2_REFUSE,        /* RST_STREAM(REFUSED_STREAM) */
	H2_RESET,         /* RST_STREAM(INTERNAL_ERROR) */
	H2_TRAILERS_ONLY, /* one block with the end of the stream */
	H2_NO_GRPC,       /* 200 and a body, no grpc-status anywhere */
	H2_HTML_502,      /* as a proxy says it */
	H2_CLOSE,         /* a head, half a body, and the end of the connection */
	H2_FLOOD,         /* a body of @flood bytes */
	H2_EARLY,         /* 413 at once, the request unread */
};

/** enum h2_manners - what a connection gets in place of HTTP/2, or before it */
enum h2_manners {
	H2_GOOD,
	H2_HTTP1,  /* "HTTP/1.1 400 ..." and the end */
	H2_SILENT, /* not even SETTINGS */
	H2_SETTINGS_FLOOD,
	H2_GARBAGE,
};

struct h2_server_script {
	enum h2_answer answer;
	enum h2_manners manners;
	uint32_t max_streams;  /* its limit, as SETTINGS say it; 0: not said */
	uint32_t window;       /* 1 + the window of a stream, likewise */
	uint32_t goaway_after; /* requests on one connection, then GOAWAY with the last of them but @goaway_spares; 0: never */
	uint32_t goaway_spares;
	uint32_t delay_ms; /* of each answer */
	int grpc_status;   /* -1: none */
	uint64_t flood;
};

#define H2_PIECES_MAX 16

/** struct h2_piece - of a body: up to @upto bytes had come at @at_ns, of uv_hrtime() */
struct h2_piece {
	uint64_t upto, at_ns;
};

/** struct h2_request - what was seen of one */
struct h2_request {
	char path[64], method[16], scheme[8], authority[64], te[16], timeout[16], type[64];
	uint64_t body_bytes;
	struct h2_piece pieces[H2_PIECES_MAX]; /* the first ones */
	unsigned piece_count;
	uint64_t began_ns, ended_ns; /* when its head came, and its end */
	bool has_host, has_connection, has_length, has_upper, is_whole;
	uint32_t reset_code; /* of the client's RST_STREAM; UINT32_MAX: none */
};

struct h2_server {
	SSL_CTX *tls;                   /* borrowed, set before it starts; NULL: plain */
	struct h2_server_script script; /* may change between turns of the loop */
	uint32_t requests, http1_requests, connections, open, most_open, most_streams;
	struct h2_request seen[H2_SERVER_REQUESTS_MAX];

	int fd; /* listening */
	uv_loop_t *loop;
	uv_pipe_t pipe;
	uv_tcp_t tcp;
	bool is_pipe;
	struct h2_server_peer *peers;
};

/** h2_server_bind() - listen at @path, or NULL: on a free port of 127.0.0.1, which is returned; nothing is accepted yet */
uint16_t h2_server_bind(struct h2_server *s, const char *path, struct h2_server_script script);

/** h2_server_start() - serve, on the loop of the client */
void h2_server_start(struct h2_server *s, uv_loop_t *loop);

/** h2_server_release() - answer what is held, by the script as it is now */
void h2_server_release(struct h2_server *s);

/** h2_server_settings() - tell all connections another limit of streams */
void h2_server_settings(struct h2_server *s, uint32_t max_streams);

/** h2_server_goaway() - on all connections: nothing above @last was begun */
void h2_server_goaway(struct h2_server *s, int32_t last);

/** h2_server_cut() - close all connections */
void h2_server_cut(struct h2_server *s);

/** h2_server_reset() - close all connections with RST */
void h2_server_reset(struct h2_server *s);

/** h2_server_close() - all handles */
void h2_server_close(struct h2_server *s);

#endif
