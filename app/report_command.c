/*
 * report_command.c - see report_command.h
 *
 * A report is data first (its JSON) and a drawing of it second, so that one
 * that was written months ago can be drawn again, by a newer page, and those
 * of several taps can be joined into one.
 */
#include "app/report_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/drawing.h"
#include "app/options.h"
#include "base/buffer.h"
#include "base/json_doc.h"
#include "base/log.h"

#define REPORT_BYTES_MAX (256u << 20)
#define READ_CHUNK (256u << 10)

static const char usage[] =
	"usage: shadowtap report FILE.json [-o FILE]\n"
	"\n"
	"Draw a report again from its JSON (--report FILE.json writes it).\n"
	"\n"
	"  -o, --output FILE  write it to FILE, by its suffix " DRAWING_SUFFIXES "; repeatable.\n"
	"                     The default is Markdown on standard output\n"
	"  -h, --help         this text\n";

struct report_arguments {
	const char **inputs, **outputs;
	size_t input_count, output_count;
	bool help;
};

static int usage_error(const char *what, const char *arg)
{
	log_error("report: %s \"%s\"; shadowtap report --help says how", what, arg);
	return EXIT_USAGE;
}

static int add_output(struct report_arguments *c, const char *path)
{
	if (strcmp(path, "-") != 0 && !drawing_knows(path)) {
		log_error("report: -o %s: the form follows from the suffix, which can be " DRAWING_SUFFIXES,
			  path);
		return EXIT_USAGE;
	}
	c->outputs[c->output_count++] = path;
	return EXIT_DONE;
}

/** value_of() - of -oFILE, -o FILE, --output=FILE, --output FILE; NULL: it is another argument */
static const char *value_of(int argc, char **argv, int *i)
{
	const char *arg = argv[*i];

	if (strncmp(arg, "--output=", 9) == 0)
		return arg + 9;
	if (strncmp(arg, "-o", 2) == 0 && arg[2] != '\0')
		return arg + 2;
	if ((strcmp(arg, "-o") == 0 || strcmp(arg, "--output") == 0) && *i + 1 < argc)
		return argv[++*i];
	return NULL;
}

static int parse(struct report_arguments *c, int argc, char **argv)
{
	bool ended = false;
	int status = EXIT_DONE;

	for (int i = 1; i < argc && status == EXIT_DONE; i++) {
		const char *value = ended ? NULL : value_of(argc, argv, &i);

		if (value)
			status = add_output(c, value);
		else if (!ended && strcmp(argv[i], "--") == 0)
			ended = true;
		else if (!ended && (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0))
			c->help = true;
		else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0')
			status = usage_error("unknown option, or one that lacks its value:", argv[i]);
		else
			c->inputs[c->input_count++] = argv[i];
	}
	if (status == EXIT_DONE && !c->help && c->input_count == 0) {
		log_error("report: name the JSON file of a report; shadowtap report --help says how");
		status = EXIT_USAGE;
	}
	return status;
}

static int read_whole(const char *path, struct buffer *out)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n != 0 && err == 0) {
		if (out->len > REPORT_BYTES_MAX)
			err = -EFBIG;
		else if (!buffer_reserve(out, READ_CHUNK))
			err = -ENOMEM;
		else if ((n = read(fd, out->bytes + out->len, READ_CHUNK)) > 0)
			out->len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			err = -errno;
	}
	close(fd);
	return err;
}

static int read_report(const char *path, struct buffer *out)
{
	struct json_doc doc = { 0 };
	int err = read_whole(path, out);

	if (err < 0) {
		log_error_errno(-err, "cannot read the report \"%s\"", path);
		return EXIT_COULD_NOT;
	}
	err = json_doc_parse(&doc, buffer_span(out));
	if (err < 0)
		log_error("\"%s\" is no report: %s at byte %zu; --report FILE.json writes one", path,
			  doc.error ? doc.error : strerror(-err), doc.error_at);
	json_doc_deinit(&doc);
	return err < 0 ? EXIT_COULD_NOT : EXIT_DONE;
}

static int write_output(const char *path, struct span json)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err;

	if (fd < 0) {
		log_error_errno(errno, "cannot write the report to \"%s\"", path);
		return EXIT_COULD_NOT;
	}
	err = drawing_write(fd, path, json);
	if (!standard && close(fd) < 0 && err == 0)
		err = -errno;
	if (err == -EINVAL)
		log_error("this JSON is no report of shadowtap: it lacks the member \"requests\"; --report "
			  "FILE.json writes one");
	else if (err < 0)
		log_error_errno(-err, "cannot write the report to \"%s\"", standard ? "standard output" : path);
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

static int run(const struct report_arguments *c)
{
	struct buffer json = { 0 };
	int status;

	if (c->help) {
		fputs(usage, stdout);
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_COULD_NOT;
	}
	if (c->input_count > 1)
		return usage_error("one report at a time, and this is another:", c->inputs[1]);
	status = read_report(c->inputs[0], &json);
	if (status == EXIT_DONE)
		status = draw(c, buffer_span(&json));
	buffer_deinit(&json);
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
