/* books_names.c - see books_names.h */
#include "report/books_names.h"

#include "capture/capture_stats.h"
#include "policy/policy_stats.h"
#include "reassembly/reassembly_stats.h"
#include "replay/outcome.h"

const struct book_name packet_names[] = {
#define X(id, group, name) { group, name },
	PACKET_RESULTS(X)
#undef X
};

const struct book_name lost_names[] = {
#define X(id, name) { "lost", name },
	LOST_REASONS(X)
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
