/* case_keeper.c - see case_keeper.h */
#include "app/cases/case_keeper.h"

#include <stdlib.h>
#include <string.h>

#include "app/cases/difference_text.h"
#include "compare/tally/examples.h"
#include "compare/tally/slices.h"

struct case_keeper {
	struct budget budget;
	struct kept_case kept[CASES_MAX + 1];
	size_t count;
	uint64_t refused;
};

static void case_deinit(struct kept_case *x)
{
	message_unref(x->message);
	response_free(x->production);
	response_free(x->shadow);
	buffer_deinit(&x->differences);
	*x = (struct kept_case){ 0 };
}

/* ---- which ---- */

static bool is_case(const struct pair *pair, const struct comparison *c)
{
	const struct request_head *head = &pair->request->head;

	if (!comparison_is_mismatch(c->verdict) && c->verdict != COMPARISON_ERROR)
		return false;
	if (c->verdict == COMPARISON_VALUE && c->generated)
		return false;
	return !head->is_grpc && !span_equal(head->method, SPAN_LITERAL("HEAD")) &&
	       (pair->request->body_len == 0 || pair->request->body) && pair->production;
}

static bool same_group(const struct kept_case *a, const struct kept_case *b)
{
	return a->target == b->target && a->verdict == b->verdict && span_equal(a->path, b->path);
}

/** same_request() - method, target and body, so that its answer is expected to be the same, too */
static bool same_request(const struct message *a, const struct message *b)
{
	return a->body_len == b->body_len && span_equal(a->head.method, b->head.method) &&
	       span_equal(a->head.target, b->head.target) &&
	       (a->body_len == 0 || memcmp(a->body, b->body, (size_t)a->body_len) == 0);
}

/** is_known() - is there a case of this request that is as grave? A less grave one makes room */
static bool is_known(struct case_keeper *k, const struct kept_case *x)
{
	for (size_t i = 0; i < k->count; i++) {
		struct kept_case *y = &k->kept[i];

		if (y->target != x->target || !same_request(y->message, x->message))
			continue;
		if (y->verdict < x->verdict || (y->verdict == x->verdict && y->severity >= x->severity))
			return true;
		case_deinit(y);
		*y = k->kept[--k->count];
		return false;
	}
	return false;
}

static size_t group_size(const struct case_keeper *k, const struct kept_case *x)
{
	size_t n = 0;

	for (size_t i = 0; i < k->count; i++)
		n += same_group(&k->kept[i], x);
	return n;
}

/** surplus() - the case to give up: of the largest group, the mildest verdict's where they are equal, the least grave */
static size_t surplus(const struct case_keeper *k)
{
	size_t found = 0, size = 0;

	for (size_t i = 0; i < k->count; i++) {
		const struct kept_case *x = &k->kept[i], *best = &k->kept[found];
		size_t n = group_size(k, x);

		if (n > size || (n == size && (x->verdict > best->verdict ||
					       (x->verdict == best->verdict && x->severity < best->severity)))) {
			found = i;
			size = n;
		}
	}
	return found;
}

/** is_wanted() - would @x, whose message is borrowed, stay? Found out by letting it in, before anything is copied */
static bool is_wanted(struct case_keeper *k, const struct kept_case *x)
{
	bool stays;

	if (is_known(k, x))
		return false;
	k->kept[k->count++] = *x;
	stays = k->count <= CASES_MAX || surplus(k) != k->count - 1;
	k->count--;
	return stays;
}

/* ---- copies ---- */

static struct message *copy_message(const struct message *from, struct budget *budget)
{
	struct message *m = message_new(&from->head, &from->origin, budget);

	if (!m || from->body_len == 0)
		return m;
	if (budget_charge(budget, (size_t)from->body_len)) {
		m->charged += (size_t)from->body_len;
		m->body = malloc((size_t)from->body_len);
	}
	if (!m->body) {
		message_unref(m);
		return NULL;
	}
	memcpy(m->body, from->body, (size_t)from->body_len);
	m->body_len = from->body_len;
	m->body_kept = true;
	return m;
}

static struct response *copy_response(const struct response *from, struct budget *budget)
{
	struct response_head head = { 0 };
	struct response *r = NULL;
	bool ok = true;

	for (size_t i = 0; i < from->header_count && ok; i++)
		ok = response_head_name(&head, from->headers[i].name) && response_head_value(&head, from->headers[i].value) &&
		     response_head_end_field(&head);
	if (ok)
		r = response_new(from->status_code, &head, budget);
	if (r && from->body_len > 0)
		response_add_body(r, span_of(from->body, (size_t)from->body_len), from->body_len, from->body_len);
	response_head_deinit(&head);
	if (r && r->result == RESPONSE_WHOLE)
		return r;
	response_free(r);
	return NULL;
}

static bool is_whole(const struct response *r)
{
	return r && r->result == RESPONSE_WHOLE;
}

/** copy_pair() - false: something of it had no room, and @x is empty */
static bool copy_pair(struct case_keeper *k, const struct pair *pair, const struct comparison *c, struct kept_case *x)
{
	x->message = copy_message(pair->request, &k->budget);
	x->production = is_whole(pair->production) ? copy_response(pair->production, &k->budget) : NULL;
	x->shadow = is_whole(pair->shadow) ? copy_response(pair->shadow, &k->budget) : NULL;
	difference_text(c, &x->differences);
	if (x->message)
		x->path = slice_path(x->message->head.target);
	if (x->message && x->production && (x->shadow || !is_whole(pair->shadow)) && buffer_ok(&x->differences))
		return true;
	case_deinit(x);
	return false;
}

/* ---- the door ---- */

void case_keeper_offer(struct case_keeper *k, size_t target, const struct pair *pair, const struct comparison *c)
{
	struct kept_case x = { .target = target, .verdict = c->verdict, .severity = example_severity(c) };
	size_t out;

	if (!is_case(pair, c))
		return;
	x.message = (struct message *)pair->request;
	x.path = slice_path(pair->request->head.target);
	if (!is_wanted(k, &x))
		return;
	if (!copy_pair(k, pair, c, &x)) {
		k->refused++;
		return;
	}
	k->kept[k->count++] = x;
	if (k->count <= CASES_MAX)
		return;
	out = surplus(k);
	case_deinit(&k->kept[out]);
	k->kept[out] = k->kept[--k->count];
}

struct case_keeper *case_keeper_new(size_t memory)
{
	struct case_keeper *k = calloc(1, sizeof(*k));

	if (k)
		budget_init(&k->budget, memory);
	return k;
}

size_t case_keeper_count(const struct case_keeper *k)
{
	return k->count;
}

const struct kept_case *case_keeper_at(const struct case_keeper *k, size_t i)
{
	return &k->kept[i];
}

uint64_t case_keeper_refused(const struct case_keeper *k)
{
	return k->refused;
}

void case_keeper_free(struct case_keeper *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		case_deinit(&k->kept[i]);
	free(k);
}
