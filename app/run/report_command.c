/*
 * report_command.c - see report_command.h
 *
 * A report is data first (its JSON) and a rendering of it second, so that one
 * that was written months ago can be drawn again, by a newer page, and those
 * of several taps can be joined into one.
 */
#include "app/run/report_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/render.h"
#include "app/options/commands.h"
#include "app/options/exit_status.h"
#include "app/options/report_file.h"
#include "app/record/output_file.h"
#include "base/buffer.h"
#include "base/json_doc.h"
#include "base/log.h"
#include "report/against.h"
#include "report/document.h"
#include "report/gate.h"
#include "report/merge.h"

struct report_arguments {
	const char **inputs, **outputs;
	size_t input_count, output_count;
	const char *fail_on; /* NULL: no gate */
	const char *against; /* NULL: no other run */
	bool help;
};

static int add_output(struct report_arguments *c, const char *path)
{
	if (strcmp(path, "-") != 0 && !render_knows(path)) {
		log_error("report: -o %s: the form follows from the suffix, which can be " RENDER_SUFFIXES,
			  path);
		return EXIT_USAGE;
	}
	c->outputs[c->output_count++] = path;
	return EXIT_DONE;
}

static int take_option(struct report_arguments *c, enum report_option option, const char *value)
{
	switch (option) {
	case REPORT_OUTPUT:
		return add_output(c, value);
	case REPORT_FAIL_ON:
		c->fail_on = value;
		break;
	case REPORT_AGAINST:
		c->against = value;
		break;
	case REPORT_HELP:
		c->help = true;
		break;
	case REPORT_OPTION_COUNT:
		break;
	}
	return EXIT_DONE;
}

static int parse(struct report_arguments *c, int argc, char **argv)
{
	struct command_line l = { command_find("report"), argc, argv, 1, false, NULL };
	int status = EXIT_DONE;

	for (int i; status == EXIT_DONE && (i = command_line_next(&l)) != COMMAND_LINE_END;) {
		if (i == COMMAND_LINE_WRONG)
			status = EXIT_USAGE;
		else if (i == COMMAND_LINE_WORD)
			c->inputs[c->input_count++] = l.value;
		else
			status = take_option(c, (enum report_option)i, l.value);
	}
	if (status == EXIT_DONE && !c->help && c->input_count == 0) {
		log_error("report: name the JSON file of a report; shadowtap report --help says how");
		status = EXIT_USAGE;
	}
	return status;
}

static int open_output(const char *path)
{
	int fd = output_file_open(path), err = fd < 0 ? fd : output_file_check(fd);

	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	log_error("cannot write the report to \"%s\": %s; %s", path, strerror(-err), output_file_advice(err));
	return err;
}

static int write_output(const char *path, struct span json)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDOUT_FILENO : open_output(path), err;

	if (fd < 0)
		return EXIT_COULD_NOT;
	err = render_write(fd, path, json);
	if (!standard && close(fd) < 0 && err == 0)
		err = -errno;
	if (err == -EINVAL)
		log_error("this JSON is no report of shadowtap: it lacks the member \"requests\"; --report "
			  "FILE.json writes one");
	else if (err < 0)
		log_error("cannot write the report to \"%s\": %s; -o names another place", standard ? "standard output" : path,
			  strerror(-err));
	return err < 0 ? EXIT_COULD_NOT : EXIT_DONE;
}

static int draw(const struct report_arguments *c, struct span json)
{
	int status = EXIT_DONE;

	if (c->output_count == 0)
		return write_output("-", json);
	for (size_t i = 0; i < c->output_count && status == EXIT_DONE; i++)
		status = write_output(c->outputs[i], json);
	return status;
}

/* ---- merging ---- */

/** merge() - all inputs as one report, appended to @json, with what @gate says to it, unless that is NULL */
static int merge(const struct report_arguments *c, const struct report_file *inputs, struct document_gate *gate,
		 struct buffer *json)
{
	struct json_doc *docs = calloc(c->input_count, sizeof(*docs));
	struct buffer error = { 0 };
	int err = -ENOMEM;

	for (size_t i = 0; docs && i < c->input_count; i++)
		docs[i] = inputs[i].doc;
	if (docs)
		err = report_merge(docs, c->input_count, gate, json, &error);
	if (err < 0)
		log_error("cannot %s: %s", c->input_count > 1 ? "join the reports" : "judge the report", error.len ? buffer_text(&error) : strerror(-err));
	buffer_deinit(&error);
	free(docs);
	return err < 0 ? EXIT_COULD_NOT : EXIT_DONE;
}

/** join() - read all, and make the one report that is drawn: of a single one its own text, unchanged */
static int join(const struct report_arguments *c, struct report_file *inputs, struct document_gate *gate, struct buffer *json)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < c->input_count && status == EXIT_DONE; i++)
		status = report_file_read(&inputs[i], c->inputs[i]) < 0 ? EXIT_COULD_NOT : EXIT_DONE;
	if (status != EXIT_DONE)
		return status;
	if (c->input_count == 1 && !gate) {
		buffer_add_span(json, buffer_span(&inputs[0].text));
		return EXIT_DONE;
	}
	return merge(c, inputs, gate, json);
}

/** tell_gate() - what the gate said to the report; EXIT_GATE if it fails */
static int tell_gate(const struct document_gate *gate)
{
	struct buffer sentence = { 0 };

	if (gate->err < 0) {
		log_error("cannot judge the report: %s", strerror(-gate->err));
		return EXIT_COULD_NOT;
	}
	gate_sentence(gate->gate, &gate->result, &sentence);
	log_info("%s", buffer_text(&sentence));
	buffer_deinit(&sentence);
	return gate->result.passed ? EXIT_DONE : EXIT_GATE;
}

/* ---- against another run ---- */

/** without_end() - a report up to its last bracket, so that a member can be added */
static void without_end(struct buffer *json)
{
	while (json->len > 0 && json->bytes[json->len - 1] != '}')
		json->len--;
	json->len -= json->len > 0;
}

/** add_against() - the member "against" behind all others of @json */
static int add_against(const char *path, struct buffer *json)
{
	struct report_file base = { 0 };
	struct buffer member = { 0 };
	struct json j = json_to(&member);
	struct json_doc now = { 0 };
	int status = report_file_read(&base, path) < 0 ? EXIT_COULD_NOT : EXIT_DONE, err = 0;

	if (status == EXIT_DONE && (err = json_doc_parse(&now, buffer_span(json))) == 0 &&
	    (err = against_json(&now, &base.doc, &j)) == 0) {
		without_end(json);
		buffer_add_str(json, ",\"against\":");
		buffer_add_span(json, buffer_span(&member));
		buffer_add_str(json, "}\n");
	}
	if (err < 0 || !buffer_ok(json)) {
		log_error("cannot hold the report against \"%s\": %s", path, strerror(err < 0 ? -err : ENOMEM));
		status = EXIT_COULD_NOT;
	}
	json_doc_deinit(&now);
	buffer_deinit(&member);
	report_file_deinit(&base);
	return status;
}

static int make(const struct report_arguments *c, const struct gate *g)
{
	struct report_file *inputs = calloc(c->input_count, sizeof(*inputs));
	struct document_gate gate = { .gate = g };
	struct buffer json = { 0 };
	int status = inputs ? join(c, inputs, g ? &gate : NULL, &json) : EXIT_COULD_NOT, verdict = EXIT_DONE;

	if (status == EXIT_DONE && g)
		verdict = tell_gate(&gate);
	if (status == EXIT_DONE && c->against)
		status = add_against(c->against, &json);
	if (status == EXIT_DONE && verdict != EXIT_COULD_NOT)
		status = draw(c, buffer_span(&json));
	for (size_t i = 0; inputs && i < c->input_count; i++)
		report_file_deinit(&inputs[i]);
	free(inputs);
	buffer_deinit(&json);
	return status != EXIT_DONE ? status : verdict;
}

static int run(const struct report_arguments *c)
{
	struct buffer error = { 0 };
	struct gate *g = NULL;
	int status;

	if (c->help)
		return command_print_help("report");
	if (c->fail_on && gate_parse(span_str(c->fail_on), &g, &error) < 0) {
		log_error("report: --fail-on \"%.200s\": %s", c->fail_on, error.len ? buffer_text(&error) : "out of memory");
		buffer_deinit(&error);
		return EXIT_USAGE;
	}
	status = make(c, g);
	gate_free(g);
	return status;
}

int report_command(int argc, char **argv)
{
	struct report_arguments c = { .inputs = calloc((size_t)argc, sizeof(*c.inputs)),
				      .outputs = calloc((size_t)argc, sizeof(*c.outputs)) };
	int status = EXIT_COULD_NOT;

	if (c.inputs && c.outputs) {
		status = parse(&c, argc, argv);
		if (status == EXIT_DONE)
			status = run(&c);
	} else {
		log_error("out of memory");
	}
	free(c.inputs);
	free(c.outputs);
	return status;
}
