/*
 * repro_command.c - see repro_command.h
 *
 * The two responses are compared again, by the rules that the report says it was
 * made with: so the case has its differences whole, and if the verdict is another than the report's, since
 * rules were left out or the program is another, that is said.
 */
#include "app/cases/repro_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cases/case_folder.h"
#include "app/cases/difference_text.h"
#include "app/cases/example_case.h"
#include "app/cases/hand_pair.h"
#include "app/cases/minimise.h"
#include "app/options/commands.h"
#include "app/options/config.h"
#include "app/options/exit_status.h"
#include "app/options/report_file.h"
#include "app/process/privileges.h"
#include "base/log.h"

#define FOLDER_DEFAULT "cases"

struct repro_arguments {
	const char *report, *id;
	const char *output, *rules, *minimise; /* NULL: not given */
	size_t words;
	bool help;
};

/** struct repro - while it is at work */
struct repro {
	const struct repro_arguments *arguments;
	struct report_file file;
	struct buffer rules_text;
	struct example_rules rules;
	struct comparer *comparer;
	int folder;
	size_t found; /* examples with the id */
};

/* ---- the command line ---- */

static void take_word(struct repro_arguments *a, const char *word)
{
	if (a->words == 0)
		a->report = word;
	else if (a->words == 1)
		a->id = word;
	a->words++;
}

static void take_option(struct repro_arguments *a, enum repro_option option, const char *value)
{
	switch (option) {
	case REPRO_OUTPUT:
		a->output = value;
		break;
	case REPRO_RULES:
		a->rules = value;
		break;
	case REPRO_MINIMISE:
		a->minimise = value;
		break;
	case REPRO_HELP:
		a->help = true;
		break;
	case REPRO_OPTION_COUNT:
		break;
	}
}

static bool parse(struct repro_arguments *a, int argc, char **argv)
{
	struct command_line l = { command_find("repro"), argc, argv, 1, false, NULL };

	for (int i; (i = command_line_next(&l)) != COMMAND_LINE_END;) {
		if (i == COMMAND_LINE_WRONG)
			return false;
		if (i == COMMAND_LINE_WORD)
			take_word(a, l.value);
		else
			take_option(a, (enum repro_option)i, l.value);
	}
	if (a->help || a->words == (a->minimise ? 1 : 2))
		return true;
	if (a->minimise)
		log_error("repro: --minimise takes the folder of one case, DIR/ID; shadowtap repro --help says how");
	else
		log_error("repro: name a report and the id of an example in it; shadowtap repro --help says how");
	return false;
}

/* ---- by what it was compared ---- */

static int read_rules(struct repro *r, struct view report, struct view options)
{
	const struct repro_arguments *a = r->arguments;
	struct view named = view_get(options, "rules"), text = view_get(report, "rules_text");
	struct buffer error = { 0 };
	int err = 0;

	if (!a->rules && view_is(text, JSON_STRING)) {
		view_text(text, &r->rules_text);
	} else if (!a->rules && view_is(named, JSON_STRING)) {
		view_text(named, &error);
		log_error("repro: the run had rules, in \"%s\"; name the file with --rules", buffer_text(&error));
		err = -EINVAL;
	} else if (a->rules) {
		err = config_read(a->rules, "file of rules", false, &r->rules_text, &error);
		if (err < 0)
			log_error("%s", buffer_text(&error));
	}
	buffer_deinit(&error);
	if (err == 0)
		err = example_rules_read(&r->rules, options);
	r->rules.rules.text = buffer_span(&r->rules_text);
	return err;
}

static int make_comparer(struct repro *r)
{
	return hand_comparer_new(&r->rules.rules, r->arguments->rules ? r->arguments->rules : "rules.txt", &r->comparer);
}

/* ---- one example ---- */

static bool add_side(struct hand_pair *p, enum hand_side side, const struct case_response *from)
{
	struct response_head head = { 0 };
	bool ok = true;

	for (size_t i = 0; i < from->header_count && ok; i++)
		ok = response_head_name(&head, from->headers[i].name) && response_head_value(&head, from->headers[i].value) &&
		     response_head_end_field(&head);
	ok = ok && hand_pair_response(p, side, from->status_code, &head, from->body);
	response_head_deinit(&head);
	return ok;
}

/** compare() - what differs, appended to @out; the verdict it is now, or NULL when out of memory */
static const char *compare(struct repro *r, const struct case_facts *f, struct buffer *out)
{
	const char *verdict = NULL;
	struct hand_pair pair;

	hand_pair_init(&pair);
	if (f->shadow.status_code == 0) {
		buffer_printf(out, "%s: the shadow gave no response\n", f->verdict);
		verdict = f->verdict;
	} else if (add_side(&pair, HAND_PRODUCTION, &f->production) && add_side(&pair, HAND_SHADOW, &f->shadow) &&
		   hand_pair_request(&pair, f->body)) {
		const struct comparison *c = hand_pair_compare(&pair, r->comparer);

		difference_text(c, out);
		verdict = comparison_name(c->verdict);
	}
	hand_pair_deinit(&pair);
	return buffer_ok(out) ? verdict : NULL;
}

static int write_files(struct repro *r, const char *name, const struct case_facts *f)
{
	struct case_file files[CASE_FILES_MAX];
	size_t count = case_files_make(f, files);
	int err = count > 0 ? case_folder_begin(r->folder, name) : -ENOMEM;

	for (size_t i = 0; i < count && err == 0; i++)
		err = case_folder_write(r->folder, name, files[i].name, files[i].is_program, buffer_span(&files[i].content));
	case_files_deinit(files);
	if (err < 0)
		log_error("repro: cannot write the case to \"%s/%s\": %s; %s", r->arguments->output, name, strerror(-err),
			  case_folder_advice(err));
	return err;
}

static void say_again(const char *folder, const char *name)
{
	struct buffer program = { 0 }, again = { 0 };

	privileges_program(&program);
	case_add_again(&again, buffer_span(&program), NULL, folder, name);
	if (buffer_ok(&again))
		log_info("a case in \"%s/%s\"; to send it again: %s", folder, name, buffer_text(&again));
	buffer_deinit(&again);
	buffer_deinit(&program);
}

static int write_case(struct repro *r, const struct example_case *x)
{
	struct case_facts facts = example_case_facts(x, &r->rules.rules, span_of(NULL, 0));
	struct buffer differences = { 0 };
	const char *verdict = compare(r, &facts, &differences);
	char name[CASE_NAME_MAX];
	int err = -ENOMEM;

	snprintf(name, sizeof(name), r->found > 1 ? "%s-%s" : "%s", facts.id, facts.target_name);
	if (verdict && strcmp(verdict, facts.verdict) != 0)
		log_warn("repro: compared again it is %s, and the report says %s: the rules or the program are not the same",
			 verdict, facts.verdict);
	if (verdict) {
		facts.differences = buffer_span(&differences);
		err = write_files(r, name, &facts);
	} else {
		log_error("repro: out of memory");
	}
	buffer_deinit(&differences);
	if (err == 0)
		say_again(r->arguments->output, name);
	return err;
}

static int take_example(struct repro *r, struct view target_name, struct view example)
{
	struct example_case x = { 0 };
	struct buffer error = { 0 };
	int err = example_case_read(&x, target_name, example, &error);

	r->found++;
	if (err < 0)
		log_error("repro: %s", error.len ? buffer_text(&error) : strerror(-err));
	else
		err = write_case(r, &x);
	example_case_deinit(&x);
	buffer_deinit(&error);
	return err;
}

static int take_examples(struct repro *r, struct view comparison)
{
	int err = 0;

	for (struct view_walk t = view_walk(view_get(comparison, "targets")); view_next(&t) && err == 0;)
		for (struct view_walk w = view_walk(view_get(t.value, "examples")); view_next(&w) && err == 0;)
			if (view_is_text(view_get(w.value, "id"), r->arguments->id))
				err = take_example(r, t.name, w.value);
	if (err == 0 && r->found == 0) {
		log_error("repro: no example in \"%s\" has the id \"%.64s\"; its pages list them", r->arguments->report, r->arguments->id);
		err = -ENOENT;
	}
	return err;
}

/* ---- the command ---- */

static int open_folder(struct repro *r)
{
	r->folder = case_folder_open(r->arguments->output);
	if (r->folder < 0)
		log_error("repro: cannot write cases to \"%s\": %s; %s", r->arguments->output, strerror(-r->folder),
			  case_folder_advice(r->folder));
	return r->folder < 0 ? r->folder : 0;
}

static int run(const struct repro_arguments *a)
{
	struct repro r = { .arguments = a, .folder = -1 };
	int err = report_file_read(&r.file, a->report);
	struct view comparison = view_get(view_of(&r.file.doc), "comparison");

	if (err == 0)
		err = read_rules(&r, view_of(&r.file.doc), view_get(comparison, "options"));
	if (err == 0)
		err = make_comparer(&r);
	if (err == 0)
		err = open_folder(&r);
	if (err == 0)
		err = take_examples(&r, comparison);
	if (r.folder >= 0)
		close(r.folder);
	comparer_free(r.comparer);
	example_rules_deinit(&r.rules);
	buffer_deinit(&r.rules_text);
	report_file_deinit(&r.file);
	return err == 0 ? EXIT_DONE : EXIT_COULD_NOT;
}

int repro_command(int argc, char **argv)
{
	struct repro_arguments a = { .report = NULL };

	if (!parse(&a, argc, argv))
		return EXIT_USAGE;
	if (a.help)
		return command_print_help("repro");
	if (a.minimise)
		return minimise(a.report, a.minimise);
	if (!a.output)
		a.output = FOLDER_DEFAULT;
	return run(&a);
}
