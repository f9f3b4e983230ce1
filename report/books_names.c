/* books_names.c - see books_names.h */
#include "report/books_names.h"

#include "report/books.h"

const struct book_name result_names[] = {
#define X(id, group, name) { group, name },
	PACKET_RESULTS(X)
#undef X
};

const struct book_name block_skip_names[] = {
#define X(id, name) { "blocks_skipped", name },
	BLOCK_SKIPS(X)
#undef X
};

const struct book_name lost_names[] = {
#define X(id, name) { "lost", name },
	LOST_REASONS(X)
#undef X
};

const struct book_name http2_start_names[] = {
#define X(id, name) { "connections", name },
	HTTP2_STARTS(X)
#undef X
};

const struct book_name http2_head_names[] = {
#define X(id, name) { "heads", name },
	HTTP2_HEADS(X)
#undef X
};

const struct book_name http2_skip_names[] = {
#define X(id, name) { "skipped", name },
	HTTP2_SKIPS(X)
#undef X
};

const struct book_name http2_gap_names[] = {
#define X(id, name) { "gaps", name },
	HTTP2_GAPS(X)
#undef X
};

const struct book_name tls_fate_names[] = {
#define X(id, name) { name, NULL },
	TLS_FATES(X)
#undef X
};

const struct book_name decision_names[] = {
#define X(id, decision, reason) { decision, reason },
	DECISIONS(X)
#undef X
};

const struct book_name shed_names[] = {
#define X(id, name) { "shed", name },
	SHEDS(X)
#undef X
};

const struct book_name outcome_names[] = {
#define X(id, group, name, reason) { group, name },
	OUTCOMES(X)
#undef X
};

const struct book_name malformed_names[] = {
	{ "malformed", "fine" }, /* none is */
#define X(id, name) { "malformed", name },
	RECORD_FAULTS(X)
#undef X
};

const struct book_name grpc_names[] = {
#define X(id) { "grpc", #id },
	GRPC_STATUSES(X)
#undef X
};

const struct book_name relay_shed_names[] = {
#define X(id, name) { "shed", name },
	RELAY_SHEDS(X)
#undef X
};

const struct book_name relay_result_names[] = {
#define X(id, group, name) { group, name },
	RELAY_RESULTS(X)
#undef X
};

#define ROW(struct_, field, member, told, type_, metric_, what)                                               \
	{ .name = #member, .offset = offsetof(struct_, field), .in_report = IS_##told, .type = BOOK_##type_,  \
	  .metric = metric_, .help = what },
#define PARTS_ROW(struct_, field, id, n) { .offset = offsetof(struct_, field), .parts = id##_names, .part_count = n },
#define IS_REPORT true
#define IS_ASIDE false

/* One object of the report each: where its numbers are */
#define PACKET(id, name, ...) ROW(struct books, packets.name, name, __VA_ARGS__)
#define PACKET_PARTS(id, n) PARTS_ROW(struct books, packets.id, id, n)
#define REQUEST(id, name, ...) ROW(struct books, requests.name, name, __VA_ARGS__)
#define REQUEST_PARTS(id, n) PARTS_ROW(struct books, requests.id, id, n)
#define CONNECTION(id, name, ...) ROW(struct books, connections.name, name, __VA_ARGS__)
#define HTTP2(id, name, ...) ROW(struct books, http2.name, name, __VA_ARGS__)
#define HTTP2_PARTS(id, n) PARTS_ROW(struct books, http2.id, id, n)
#define TLS(id, name, ...) ROW(struct books, tls.name, name, __VA_ARGS__)
#define TLS_PARTS(id, n) PARTS_ROW(struct books, tls.id, id, n)
#define FLEET(id, name, ...) ROW(struct books, fleet.name, name, __VA_ARGS__)
#define FLEET_PARTS(id, n) PARTS_ROW(struct books, fleet.id, id, n)
#define TARGET(id, name, ...) ROW(struct books_target, name, name, __VA_ARGS__)
#define TARGET_PARTS(id, n) PARTS_ROW(struct books_target, id, id, n)

#define RELAY(id, name, ...) ROW(struct books, relay.name, name, __VA_ARGS__)
#define RELAY_PARTS(id, n) PARTS_ROW(struct books, relay.id, id, n)

static const struct book_row packet_row[] = { PACKET_COUNTERS(PACKET, PACKET_PARTS) };
static const struct book_row request_row[] = {
	REQUEST_COUNTERS(REQUEST, REQUEST_PARTS) POLICY_COUNTERS(REQUEST, REQUEST_PARTS)
};
static const struct book_row connection_row[] = {
	CONNECTION_COUNTERS(CONNECTION) HTTP_CONNECTION_COUNTERS(CONNECTION) STREAM_COUNTERS(CONNECTION)
};
static const struct book_row http2_row[] = { HTTP2_COUNTERS(HTTP2, HTTP2_PARTS) };
static const struct book_row tls_row[] = { TLS_COUNTERS(TLS, TLS_PARTS) };
static const struct book_row relay_row[] = { RELAY_COUNTERS(RELAY, RELAY_PARTS) };
static const struct book_row fleet_row[] = { FLEET_COUNTERS(FLEET, FLEET_PARTS) };
static const struct book_row target_row[] = { TARGET_COUNTERS(TARGET, TARGET_PARTS) };

#define ROWS(table) { table, sizeof(table) / sizeof((table)[0]) }

const struct book_rows packet_rows = ROWS(packet_row), request_rows = ROWS(request_row),
		       connection_rows = ROWS(connection_row), http2_rows = ROWS(http2_row), tls_rows = ROWS(tls_row),
		       relay_rows = ROWS(relay_row), fleet_rows = ROWS(fleet_row), target_rows = ROWS(target_row);
