/* null_transport.c - see null_transport.h */
#include "tests/rig/null_transport.h"

#include "tests/rig/unit.h"

#include <stdlib.h>

static struct null_transport *last;

struct null_transport *null_transport_last(void)
{
	return last;
}

static struct null_transport *null_of(struct transport *t)
{
	return list_entry(t, struct null_transport, transport);
}

void null_end(struct null_transport *n, size_t nth, enum outcome_kind kind)
{
	struct exchange *x = n->under_way[nth];
	struct outcome o = {
		.kind = kind,
		.status_code = outcome_is_answered(kind) ? 200 : 0,
		.grpc_status = GRPC_STATUS_NONE,
		.connect_us = n->is_unreachable || x->is_opening ? -1 : 0,
		.first_byte_us = -1,
		.total_us = 1,
	};

	assert_true(nth < n->count);
	for (size_t i = nth + 1; i < n->count; i++)
		n->under_way[i - 1] = n->under_way[i];
	n->count--;
	n->hooks.on_ended(n->hooks.ctx, x, &o);
}

static void end_it(struct null_transport *n, const struct exchange *x, enum outcome_kind kind)
{
	size_t nth = 0;

	while (nth < n->count && n->under_way[nth] != x)
		nth++;
	null_end(n, nth, kind);
}

static bool has_slot(struct transport *t, const struct message *m)
{
	return null_of(t)->count < null_of(t)->slots;
}

static void begin(struct transport *t, struct exchange *x)
{
	struct null_transport *n = null_of(t);

	assert_true(has_slot(t, x->message));
	x->carrier = n; /* one for all of them */
	x->is_opening = n->is_opening;
	n->under_way[n->count++] = x;
	n->begun++;
	n->depth++;
	n->depth_max = n->depth > n->depth_max ? n->depth : n->depth_max;
	if (n->ends_at_once)
		end_it(n, x, n->kind);
	n->depth--;
}

static void expire(struct transport *t, struct exchange *x)
{
	null_of(t)->expired++;
	end_it(null_of(t), x, OUTCOME_FAILED_TIMEOUT);
}

static void cancel(struct transport *t, struct exchange *x)
{
	null_of(t)->cancelled++;
	end_it(null_of(t), x, OUTCOME_CANCELLED_AT_EXIT);
}

static bool leads_to(struct transport *t, const struct endpoint *server)
{
	return null_of(t)->leads_to_port != 0 && server->port == null_of(t)->leads_to_port;
}

static void look_again(struct transport *t)
{
	null_of(t)->looked_again++;
}

static void close_idle(struct transport *t)
{
	null_of(t)->idle_closed++;
}

static void close_all(struct transport *t)
{
	assert_int_equal(null_of(t)->count, 0);
	null_of(t)->closed++;
}

static void free_it(struct transport *t)
{
	assert_int_equal(null_of(t)->closed, 1);
	last = NULL;
	free(null_of(t));
}

int null_transport_new(const struct transport_setup *setup, struct transport **out, struct buffer *error)
{
	static const struct transport_ops ops = {
		.has_slot = has_slot,
		.begin = begin,
		.expire = expire,
		.cancel = cancel,
		.leads_to = leads_to,
		.look_again = look_again,
		.close_idle = close_idle,
		.close = close_all,
		.free = free_it,
	};

	last = calloc(1, sizeof(*last));
	assert_non_null(last);
	last->transport.ops = &ops;
	last->hooks = setup->hooks;
	*out = &last->transport;
	return 0;
}
