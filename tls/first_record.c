/* first_record.c - see first_record.h */
#include "tls/first_record.h"

#include <string.h>

static bool keep(struct first_record *f, struct budget *budget, struct span bytes)
{
	if (!budget_charge(budget, bytes.len))
		return false;
	f->charged += bytes.len;
	buffer_add_span(&f->bytes, bytes);
	return buffer_ok(&f->bytes);
}

static void drop_front(struct first_record *f, struct budget *budget, size_t n)
{
	memmove(f->bytes.bytes, f->bytes.bytes + n, f->bytes.len - n);
	f->bytes.len -= n;
	f->wire += n;
	f->charged -= n;
	budget_release(budget, n);
}

void first_record_feed(struct first_record *f, struct budget *budget, uint64_t offset, struct span bytes)
{
	size_t len;

	if (f->is_whole)
		return;
	if (f->bytes.len == 0)
		f->wire = offset;
	if (!keep(f, budget, bytes)) {
		first_record_deinit(f, budget);
		return;
	}
	drop_front(f, budget, record_search(buffer_span(&f->bytes), 0));
	len = record_length(buffer_span(&f->bytes));
	f->is_whole = len > 0 && len <= f->bytes.len;
}

void first_record_gap(struct first_record *f, struct budget *budget)
{
	if (!f->is_whole)
		first_record_deinit(f, budget);
}

struct span first_record_get(const struct first_record *f)
{
	return span_of(f->bytes.bytes, record_length(buffer_span(&f->bytes)));
}

void first_record_deinit(struct first_record *f, struct budget *budget)
{
	buffer_deinit(&f->bytes);
	budget_release(budget, f->charged);
	*f = (struct first_record){ 0 };
}
