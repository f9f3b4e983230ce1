/*
 * books_names.h - the contract's names for the counters, from the stages' own lists
 *
 * Private to this floor: text and JSON walk the same tables, so a counter that
 * a stage adds appears in both, under one name.
 */
#ifndef REPORT_BOOKS_NAMES_H
#define REPORT_BOOKS_NAMES_H

#include <stddef.h>

/** struct book_name - "ignored" and "not_ip"; a name of NULL means the group is the counter itself */
struct book_name {
	const char *group, *name;
};

extern const struct book_name packet_names[];  /* by enum packet_result */
extern const struct book_name lost_names[];    /* by enum lost_reason */
extern const struct book_name decision_names[]; /* by enum decision */
extern const struct book_name shed_names[];    /* by enum shed_reason */
extern const struct book_name outcome_names[]; /* by enum outcome_kind */

#endif
