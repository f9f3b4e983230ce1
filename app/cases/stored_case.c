/* stored_case.c - see stored_case.h */
#include "app/cases/stored_case.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/options/read_all.h"
#include "base/log.h"
#include "message/http_text.h"
#include "report/view.h"

#define FILE_BYTES_MAX (UINT64_C(1) << 30)

/** read_file() - @may_lack: it is nothing if it is not there */
static int read_file(int folder, const char *path, const char *name, bool may_lack, struct buffer *out)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC), err = fd < 0 ? -errno : read_all(fd, FILE_BYTES_MAX, out);

	if (fd >= 0)
		close(fd);
	if (err == -ENOENT && may_lack)
		return 0;
	if (err < 0)
		log_error("repro: cannot read \"%s/%s\": %s; is it a case that --repro wrote?", path, name, strerror(-err));
	return err;
}

static int read_files(struct stored_case *c, const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = folder < 0 ? -errno : 0;

	if (err < 0) {
		log_error("repro: cannot read the case \"%s\": %s; name its folder, DIR/ID", path, strerror(-err));
		return err;
	}
	if ((err = read_file(folder, path, "case.json", false, &c->description)) == 0 &&
	    (err = read_file(folder, path, "request.bin", false, &c->request)) == 0 &&
	    (err = read_file(folder, path, "headers", false, &c->headers)) == 0 &&
	    (err = read_file(folder, path, "production.response", false, &c->response)) == 0)
		err = read_file(folder, path, "rules.txt", true, &c->rules_text);
	close(folder);
	return err;
}

static void add_field(struct stored_case *c, struct span name, struct span value)
{
	if (http_is_token(name) && http_is_field_value(value))
		header_list_add(&c->fields, name, value);
}

/* "Name: value", and "Name;" without one; "Name:" is for curl, which then adds none of its own */
static void read_fields(struct stored_case *c)
{
	struct span rest = buffer_span(&c->headers), line, name, value;

	while (rest.len > 0) {
		span_cut(rest, '\n', &line, &rest);
		if (span_cut(line, ':', &name, &value) && span_trim(value).len > 0)
			add_field(c, name, span_trim(value));
		else if (span_cut(line, ';', &name, &value) && value.len == 0)
			add_field(c, name, value);
	}
}

static int read_description(struct stored_case *c)
{
	static const char *const names[] = { "id", "target_name", "verdict", "method", "target" };
	struct view v;
	int err = json_doc_parse(&c->doc, buffer_span(&c->description));

	if (err < 0)
		return err;
	v = view_of(&c->doc);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		view_text(view_get(v, names[i]), &c->texts[i]);
		if (!*buffer_text(&c->texts[i])) /* the end of a string comes with asking for it */
			return -EINVAL;
	}
	if (!http_is_token(buffer_span(&c->texts[STORED_METHOD])) || !http_is_visible(buffer_span(&c->texts[STORED_TARGET])))
		return -EINVAL;
	if (view_is(view_get(v, "server"), JSON_STRING))
		view_text(view_get(v, "server"), &c->server);
	return example_rules_read(&c->rules, view_get(v, "options"));
}

int stored_case_read(struct stored_case *c, const char *path)
{
	const char *why = "case.json is not as --repro writes it";
	int err = read_files(c, path);

	if (err < 0)
		return err;
	read_fields(c);
	err = read_description(c);
	if (err == 0)
		err = told_response_read(&c->production, buffer_span(&c->response), &why);
	if (err == 0 && c->production.status_code == 0) {
		why = "production.response is no whole response";
		err = -EINVAL;
	}
	c->rules.rules.text = buffer_span(&c->rules_text);
	if (err == 0 && !header_list_ok(&c->fields))
		err = -ENOMEM;
	if (err < 0)
		log_error("repro: the case \"%s\" cannot be read: %s", path, err == -ENOMEM ? strerror(ENOMEM) : why);
	return err;
}

void stored_case_deinit(struct stored_case *c)
{
	json_doc_deinit(&c->doc);
	told_response_deinit(&c->production);
	example_rules_deinit(&c->rules);
	header_list_deinit(&c->fields);
	for (size_t i = 0; i < sizeof(c->texts) / sizeof(c->texts[0]); i++)
		buffer_deinit(&c->texts[i]);
	buffer_deinit(&c->server);
	buffer_deinit(&c->description);
	buffer_deinit(&c->request);
	buffer_deinit(&c->headers);
	buffer_deinit(&c->response);
	buffer_deinit(&c->rules_text);
}
