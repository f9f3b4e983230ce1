/* hand_pair.c - see hand_pair.h */
#include "app/cases/hand_pair.h"

#include <stdlib.h>
#include <string.h>

#include "app/cases/case_files.h"
#include "base/log.h"

int hand_comparer_new(const struct case_rules *rules, const char *rules_name, struct comparer **out)
{
	const struct compare_options options = {
		.rtol = rules->rtol,
		.atol = rules->atol,
		.preset = rules->preset,
		.rules = rules->text,
		.rules_name = rules_name,
		.ignore = rules->ignore,
		.ignore_count = rules->ignore_count,
		.unordered = rules->unordered,
		.unordered_count = rules->unordered_count,
		.max_body = HAND_BODY_MAX,
	};
	struct buffer error = { 0 };
	int err = comparer_new(&options, out, &error);

	if (err < 0)
		log_error("repro: %s", error.len ? buffer_text(&error) : strerror(-err));
	buffer_deinit(&error);
	return err;
}

void hand_pair_init(struct hand_pair *p)
{
	*p = (struct hand_pair){ .message = NULL };
	budget_init(&p->budget, SIZE_MAX);
}

bool hand_pair_response(struct hand_pair *p, enum hand_side side, int status_code, const struct response_head *head,
			struct span body)
{
	struct response *r = response_new(status_code, head, &p->budget);

	response_free(p->response[side]);
	p->response[side] = r;
	if (r && body.len > 0)
		response_add_body(r, body, body.len, HAND_BODY_MAX);
	return r && r->result == RESPONSE_WHOLE;
}

bool hand_pair_request(struct hand_pair *p, struct span body)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/"), .version_major = 1 };
	const struct request_origin origin = { 0 };
	struct message *m = message_new(&head, &origin, &p->budget);

	message_unref(p->message);
	p->message = m;
	if (!m || body.len == 0)
		return m != NULL;
	m->body = malloc(body.len);
	if (!m->body)
		return false;
	memcpy(m->body, body.at, body.len);
	m->body_len = body.len;
	m->body_kept = true;
	return true;
}

const struct comparison *hand_pair_compare(struct hand_pair *p, struct comparer *c)
{
	static const enum outcome_kind kinds[] = { OUTCOME_ANSWERED_2XX, OUTCOME_ANSWERED_2XX, OUTCOME_ANSWERED_2XX,
						   OUTCOME_ANSWERED_3XX, OUTCOME_ANSWERED_4XX, OUTCOME_ANSWERED_5XX };
	int status_code = p->response[HAND_SHADOW]->status_code;

	p->outcome = (struct outcome){ .kind = kinds[status_code / 100],
				       .status_code = status_code,
				       .first_byte_us = -1,
				       .total_us = -1,
				       .grpc_status = GRPC_STATUS_NONE };
	return comparer_run(c, &(struct pair){ p->message, p->response[HAND_PRODUCTION], p->response[HAND_SHADOW], &p->outcome });
}

void hand_pair_deinit(struct hand_pair *p)
{
	for (int side = 0; side < HAND_SIDES; side++)
		response_free(p->response[side]);
	message_unref(p->message);
	*p = (struct hand_pair){ .message = NULL };
}
