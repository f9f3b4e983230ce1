/*
 * diff_command.c - see diff_command.h
 *
 * What a file does not say is supplied, so that nothing differs in it: the
 * status of a body alone is the other's, and so is its type, unless one is given.
 */
#include "app/cases/diff_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cases/difference_text.h"
#include "app/cases/hand_pair.h"
#include "app/cases/told_response.h"
#include "app/options/commands.h"
#include "app/options/config.h"
#include "app/options/exit_status.h"
#include "app/options/read_all.h"
#include "base/log.h"
#include "base/units.h"
#include "compare/comparer.h"
#include "compare/rules/path_presets.h"
#include "message/http_text.h"

#define STATUS_DEFAULT 200

enum { A = HAND_PRODUCTION, B = HAND_SHADOW, SIDES = HAND_SIDES };

struct diff_arguments {
	const char *path[SIDES];
	size_t path_count;
	const char *rules, *request, *type; /* NULL: not given */
	bool json, help;
	struct compare_options compare; /* its lists are our own */
	const char **ignore, **unordered;
};

/** struct diff - while it is at work */
struct diff {
	const struct diff_arguments *arguments;
	struct buffer text[SIDES], rules, request;
	struct told_response told[SIDES];
	struct hand_pair pair;
};

/* ---- the command line ---- */

static bool wrong_value(const char *option, const char *value, const char *what)
{
	log_error("diff: --%s \"%.200s\": %s; shadowtap diff --help says how", option, value, what);
	return false;
}

static bool read_tolerance(const char *name, const char *value, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(value, &end);
	if (*end == '\0' && end != value && errno == 0 && *out >= 0 && *out <= 1e300)
		return true;
	return wrong_value(name, value, "a tolerance is a number such as 1e-5, not below 0");
}

static bool take_option(struct diff_arguments *a, enum diff_option option, const char *value)
{
	switch (option) {
	case DIFF_RULES:
		a->rules = value;
		break;
	case DIFF_PRESET:
		a->compare.preset = value;
		if (!path_preset_find(value))
			return wrong_value("preset", value, "there is no preset of this name; shadowtap --list-presets has them");
		break;
	case DIFF_RTOL:
		return read_tolerance("rtol", value, &a->compare.rtol);
	case DIFF_ATOL:
		return read_tolerance("atol", value, &a->compare.atol);
	case DIFF_IGNORE:
		a->ignore[a->compare.ignore_count++] = value;
		break;
	case DIFF_UNORDERED:
		a->unordered[a->compare.unordered_count++] = value;
		break;
	case DIFF_REQUEST:
		a->request = value;
		break;
	case DIFF_CONTENT_TYPE:
		a->type = value;
		if (!http_is_field_value(span_str(value)))
			return wrong_value("content-type", value, "it has a line break in it");
		break;
	case DIFF_JSON:
		a->json = true;
		break;
	case DIFF_HELP:
		a->help = true;
		break;
	case DIFF_OPTION_COUNT:
		break;
	}
	return true;
}

static bool check(const struct diff_arguments *a)
{
	if (a->help)
		return true;
	if (a->path_count != SIDES) {
		log_error("diff: name two files, production's response and the shadow's; shadowtap diff --help says how");
		return false;
	}
	if (strcmp(a->path[A], "-") == 0 && strcmp(a->path[B], "-") == 0) {
		log_error("diff: both are -, but standard input can be read only once; save one of them first");
		return false;
	}
	return true;
}

static bool parse(struct diff_arguments *a, int argc, char **argv)
{
	struct command_line l = { command_find("diff"), argc, argv, 1, false, NULL };

	for (int i; (i = command_line_next(&l)) != COMMAND_LINE_END;) {
		if (i == COMMAND_LINE_WRONG || (i >= 0 && !take_option(a, (enum diff_option)i, l.value)))
			return false;
		if (i == COMMAND_LINE_WORD && a->path_count < SIDES)
			a->path[a->path_count] = l.value;
		a->path_count += i == COMMAND_LINE_WORD;
	}
	a->compare.ignore = a->ignore;
	a->compare.unordered = a->unordered;
	return check(a);
}

/* ---- reading ---- */

static int read_file(const char *path, struct buffer *out)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : read_all(fd, HAND_BODY_MAX, out);

	if (fd >= 0)
		close(fd);
	if (err < 0)
		log_error("diff: cannot read \"%s\": %s; check the path", path, strerror(-err));
	return err;
}

static int read_side(struct diff *d, int side)
{
	const char *path = d->arguments->path[side], *error;
	int err = read_file(path, &d->text[side]);

	if (err < 0)
		return err;
	err = told_response_read(&d->told[side], buffer_span(&d->text[side]), &error);
	if (err < 0)
		log_error("diff: \"%s\": %s", path, error);
	return err;
}

static int read_all_files(struct diff *d)
{
	const struct diff_arguments *a = d->arguments;
	struct buffer error = { 0 };
	int err = 0;

	for (int side = A; side < SIDES && err == 0; side++)
		err = read_side(d, side);
	if (err == 0 && a->request)
		err = read_file(a->request, &d->request);
	if (err == 0 && a->rules && (err = config_read(a->rules, "file of rules", false, &d->rules, &error)) < 0)
		log_error("%s", buffer_text(&error));
	buffer_deinit(&error);
	return err;
}

/* ---- the pair ---- */

/** type_of() - of a side that does not say its own */
static struct span type_of(const struct diff *d, int side)
{
	const struct told_response *other = &d->told[!side];

	if (d->arguments->type)
		return span_str(d->arguments->type);
	return other->has_type ? other->type : told_response_guess(d->told[side].body);
}

static int status_of(const struct diff *d, int side)
{
	int own = d->told[side].status_code, other = d->told[!side].status_code;

	return own ? own : other ? other : STATUS_DEFAULT;
}

static bool make_response(struct diff *d, int side)
{
	struct told_response *told = &d->told[side];

	if (told->status_code == 0 &&
	    (!response_head_name(&told->head, SPAN_LITERAL("content-type")) ||
	     !response_head_value(&told->head, type_of(d, side)) || !response_head_end_field(&told->head)))
		return false;
	return hand_pair_response(&d->pair, (enum hand_side)side, status_of(d, side), &told->head, told->body);
}

/* ---- the command ---- */

static int status_of_verdict(enum comparison_verdict v)
{
	if (v == COMPARISON_NOT_COMPARABLE)
		return EXIT_COULD_NOT;
	return v == COMPARISON_EQUAL || v == COMPARISON_CLOSE ? EXIT_DONE : EXIT_DIFFERS;
}

static int tell(const struct diff_arguments *a, const struct comparison *c)
{
	struct buffer text = { 0 };
	int status = EXIT_COULD_NOT;

	if (a->json)
		difference_json(c, &text);
	else
		difference_text(c, &text);
	if (!buffer_ok(&text))
		log_error("diff: out of memory");
	else if (fputs(buffer_text(&text), stdout) < 0 || fflush(stdout) != 0)
		log_error("diff: cannot write what differs to standard output: %s", strerror(errno));
	else
		status = status_of_verdict(c->verdict);
	buffer_deinit(&text);
	return status;
}

static int compare(struct diff *d)
{
	const struct diff_arguments *a = d->arguments;
	struct compare_options options = a->compare;
	struct buffer error = { 0 };
	struct comparer *comparer;
	int err, status;

	options.rules = buffer_span(&d->rules);
	options.rules_name = a->rules;
	err = comparer_new(&options, &comparer, &error);
	if (err < 0) {
		log_error("%s", error.len ? buffer_text(&error) : "diff: out of memory");
		buffer_deinit(&error);
		return err == -EINVAL ? EXIT_USAGE : EXIT_COULD_NOT;
	}
	status = tell(a, hand_pair_compare(&d->pair, comparer));
	comparer_free(comparer);
	return status;
}

static int run(const struct diff_arguments *a)
{
	struct diff d = { .arguments = a };
	int status = EXIT_COULD_NOT;

	hand_pair_init(&d.pair);
	if (read_all_files(&d) == 0) {
		if (make_response(&d, A) && make_response(&d, B) && hand_pair_request(&d.pair, buffer_span(&d.request)))
			status = compare(&d);
		else
			log_error("diff: out of memory");
	}
	for (int side = A; side < SIDES; side++) {
		told_response_deinit(&d.told[side]);
		buffer_deinit(&d.text[side]);
	}
	hand_pair_deinit(&d.pair);
	buffer_deinit(&d.rules);
	buffer_deinit(&d.request);
	return status;
}

int diff_command(int argc, char **argv)
{
	struct diff_arguments a = { .compare = { .rtol = 1e-5, .atol = 1e-8, .max_body = HAND_BODY_MAX },
				    .ignore = calloc((size_t)argc, sizeof(*a.ignore)),
				    .unordered = calloc((size_t)argc, sizeof(*a.unordered)) };
	int status = EXIT_COULD_NOT;

	if (!a.ignore || !a.unordered)
		log_error("diff: out of memory");
	else if (!parse(&a, argc, argv))
		status = EXIT_USAGE;
	else
		status = a.help ? command_print_help("diff") : run(&a);
	free(a.ignore);
	free(a.unordered);
	return status;
}
