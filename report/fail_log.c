/* fail_log.c - see fail_log.h */
#include "report/fail_log.h"

#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/shown.h"
#include "report/events.h"

#define MD5_PREFIX_BYTES 128

/* The connection ended, and it was an old one: for how long it lay idle says whether the server may have closed it. */
static bool is_broken_reuse(const struct outcome *o)
{
	return o->idle_us > 0 && (o->kind == OUTCOME_FAILED_STALE || o->kind == OUTCOME_FAILED_RESET);
}

/* http://shadow:9000 and /v1/x?secret give http://shadow:9000/v1/x */
static void add_url(struct fail_log *f, const struct failed_exchange *e, struct buffer *out)
{
	struct span path = target_shown(e->asked, f->show_query);

	buffer_add_str(out, e->shown);
	if (path.len > 0 && path.at[0] == '/')
		buffer_add_span(out, path);
}

/* The path is a stranger's, and this line goes to a terminal. */
static void add_shown_url(struct fail_log *f, const struct failed_exchange *e)
{
	struct buffer url = { 0 };

	add_url(f, e, &url);
	shown_add(&f->line, buffer_span(&url));
	buffer_deinit(&url);
}

static void json_line(struct fail_log *f, const struct failed_exchange *e, struct wall wall)
{
	const struct message *m = e->request;
	const struct outcome *o = e->outcome;
	uint8_t md5[DIGEST_MD5_BYTES];
	struct json j = json_to(&f->line);
	struct buffer url = { 0 };
	char text[TIME_TEXT_MAX];

	add_url(f, e, &url);
	json_open(&j, '{');
	json_key(&j, "event");
	json_str(&j, "shadow_fail");
	json_key(&j, "status_code");
	if (o->status_code)
		json_int(&j, o->status_code);
	else
		json_null(&j);
	json_key(&j, "upstream_url");
	json_text(&j, buffer_span(&url));
	json_key(&j, "reason");
	json_str(&j, outcome_reason(o->kind));
	if (o->grpc_status != GRPC_STATUS_NONE) {
		json_key(&j, "grpc_status");
		json_str(&j, grpc_status_name(o->grpc_status));
	}
	json_key(&j, "latency_ms");
	json_double(&j, o->total_us < 0 ? 0 : (double)o->total_us / 1000);
	json_key(&j, "request_id");
	json_str(&j, message_id_text(m->origin.id, text));
	json_count(&j, "body_len", m->body_len);
	json_key(&j, "body_md5_128");
	if (md5_bytes(m->body, m->body_len < MD5_PREFIX_BYTES ? m->body_len : MD5_PREFIX_BYTES, md5))
		json_hex(&j, md5, sizeof(md5));
	else
		json_null(&j);
	json_key(&j, "level");
	json_str(&j, "WARNING");
	json_key(&j, "ts");
	json_str(&j, time_text(wall, text));
	if (o->detail) {
		json_key(&j, "detail");
		json_str(&j, o->detail);
	}
	if (is_broken_reuse(o)) {
		json_key(&j, "idle_ms");
		json_double(&j, (double)o->idle_us / 1000);
	}
	if (f->suppressed > 0) {
		json_count(&j, "suppressed", f->suppressed);
	}
	json_close(&j, '}');
	buffer_deinit(&url);
}

/* To the millisecond: 2026-11-22T10:00:00.123Z */
static void begin_text(struct fail_log *f, struct wall wall)
{
	char text[TIME_TEXT_MAX];

	buffer_printf(&f->line, "shadowtap: WARNING %.23sZ shadow_fail", time_text(wall, text));
}

static void text_line(struct fail_log *f, const struct failed_exchange *e, struct wall wall)
{
	const struct message *m = e->request;
	const struct outcome *o = e->outcome;
	char id[MESSAGE_ID_TEXT_MAX];

	begin_text(f, wall);
	buffer_printf(&f->line, " %s", outcome_reason(o->kind));
	if (o->status_code)
		buffer_printf(&f->line, " %d", o->status_code);
	if (o->grpc_status != GRPC_STATUS_NONE)
		buffer_printf(&f->line, ", grpc %s", grpc_status_name(o->grpc_status));
	if (o->detail)
		buffer_printf(&f->line, " (%s)", o->detail);
	if (is_broken_reuse(o))
		buffer_printf(&f->line, " on a connection reused after %.1f ms", (double)o->idle_us / 1000);
	buffer_add_str(&f->line, " ");
	add_shown_url(f, e);
	buffer_printf(&f->line, " after %.1f ms, request %s, body of %llu bytes",
		      o->total_us < 0 ? 0.0 : (double)o->total_us / 1000, message_id_text(m->origin.id, id),
		      (unsigned long long)m->body_len);
	if (f->suppressed > 0)
		buffer_printf(&f->line, "; %llu more held back", (unsigned long long)f->suppressed);
}

static void write_line(struct fail_log *f, const struct log_field *fields, size_t count)
{
	buffer_add(&f->line, "\n", 1);
	if (buffer_ok(&f->line))
		log_fields(LOG_WARN, fields, count, f->line.bytes, f->line.len);
	f->suppressed = 0;
}

/* In the journal a line has what one searches by as fields, too. */
static void write_failure(struct fail_log *f, const struct failed_exchange *e)
{
	const struct outcome *o = e->outcome;
	char id[MESSAGE_ID_TEXT_MAX], status[12];
	struct log_field fields[] = {
		{ "SHADOWTAP_EVENT", span_str("shadow_fail") },
		{ "SHADOWTAP_REASON", span_str(outcome_reason(o->kind)) },
		{ "SHADOWTAP_TARGET", span_str(e->shown) },
		{ "SHADOWTAP_REQUEST_ID", span_str(message_id_text(e->request->origin.id, id)) },
		{ "SHADOWTAP_STATUS_CODE", { 0 } },
	};
	size_t count = sizeof(fields) / sizeof(fields[0]);

	snprintf(status, sizeof(status), "%d", o->status_code);
	fields[count - 1].value = span_str(status);
	write_line(f, fields, o->status_code ? count : count - 1);
}

bool fail_log_admits(struct fail_log *f, struct mono now)
{
	if (!log_enabled(LOG_WARN))
		return false;
	if (now.ns - f->window.ns >= NS_PER_S) {
		f->window = now;
		f->in_window = 0;
	}
	if (f->in_window >= FAIL_LOG_PER_SECOND) {
		f->suppressed++;
		return false;
	}
	f->in_window++;
	return true;
}

void fail_log_write(struct fail_log *f, const struct failed_exchange *e, struct wall wall)
{
	buffer_clear(&f->line);
	if (f->json)
		json_line(f, e, wall);
	else
		text_line(f, e, wall);
	write_failure(f, e);
}

void fail_log_deinit(struct fail_log *f, struct wall now)
{
	if (f->suppressed > 0 && log_enabled(LOG_WARN)) {
		char text[TIME_TEXT_MAX];

		buffer_clear(&f->line);
		if (f->json) {
			buffer_printf(&f->line,
				      "{\"event\":\"shadow_fail\",\"suppressed\":%llu,\"level\":\"WARNING\",\"ts\":\"%s\"}",
				      (unsigned long long)f->suppressed, time_text(now, text));
		} else {
			begin_text(f, now);
			buffer_printf(&f->line, ": %llu more held back", (unsigned long long)f->suppressed);
		}
		write_line(f, NULL, 0);
	}
	buffer_deinit(&f->line);
}
