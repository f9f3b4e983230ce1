/*
 * books_names.h - the names of docs/contract.md, "Books", for the counters, from the stages' own lists
 *
 * Private to this floor: text, JSON and metrics walk the same tables, so a
 * counter that a stage adds appears in all of them, under one name.
 */
#ifndef REPORT_BOOKS_NAMES_H
#define REPORT_BOOKS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/** struct book_name - "ignored" and "not_ip"; a name of NULL means the group is the counter itself */
struct book_name {
	const char *group, *name;
};

extern const struct book_name block_skip_names[]; /* by enum block_skip */
extern const struct book_name result_names[];   /* by enum packet_result */
extern const struct book_name lost_names[];     /* by enum lost_reason */
extern const struct book_name http2_start_names[]; /* by enum http2_start; the next three likewise */
extern const struct book_name http2_head_names[], http2_skip_names[], http2_gap_names[];
extern const struct book_name tls_fate_names[]; /* by enum tls_fate */
extern const struct book_name decision_names[]; /* by enum decision */
extern const struct book_name shed_names[];     /* by enum shed_reason */
extern const struct book_name outcome_names[];  /* by enum outcome_kind */
extern const struct book_name malformed_names[]; /* of records, by enum record_fault */
extern const struct book_name grpc_names[];     /* by enum grpc_status; only those that are not 0 are shown */

extern const struct book_name relay_shed_names[];   /* by enum relay_shed */
extern const struct book_name relay_result_names[]; /* by enum relay_result */

/** enum book_type - as a metric: a family of its own, or a label of a family that such counters share */
enum book_type { BOOK_COUNTER, BOOK_GAUGE, BOOK_TRAIT, BOOK_DROPPED };

/** struct book_row - one line of a stage's list: a counter, or the parts of a total */
struct book_row {
	const char *name;   /* of a counter; NULL: parts */
	size_t offset;      /* of its number, or of the first part, in struct books or struct books_target */
	bool in_report;
	enum book_type type;
	const char *metric; /* the family, or the value of the label; NULL: no metric */
	const char *help;
	const struct book_name *parts;
	size_t part_count;
};

/** struct book_rows - the rows of one object of the report, in its order */
struct book_rows {
	const struct book_row *row;
	size_t count;
};

extern const struct book_rows packet_rows, request_rows, connection_rows, http2_rows, tls_rows, relay_rows, fleet_rows;
/* ... those in struct books */
extern const struct book_rows target_rows;                                /* in struct books_target */

#endif
