/* plan_command.c - see plan_command.h */
#include "app/run/plan_command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options/commands.h"
#include "app/options/exit_status.h"
#include "app/options/report_file.h"
#include "app/run/plan.h"
#include "base/log.h"
#include "base/units.h"
#include "report/view.h"

#define RATE_MAX 1e9

/** struct plan_arguments - shares of 1; NaN: not given */
struct plan_arguments {
	double limit, expect, rate, sample;
	const char *report, *target; /* NULL: not given */
	bool json, help;
};

/* ---- the command line ---- */

static bool wrong(const char *option, const char *value, const char *what)
{
	log_error("plan: --%s \"%.200s\": %s; shadowtap plan --help says how", option, value, what);
	return false;
}

static bool read_share(const char *option, const char *value, bool may_be_0, double *out)
{
	uint64_t share;

	if (!parse_share(value, &share) || (share == 0 && !may_be_0))
		return wrong(option, value, may_be_0 ? "a share is 0 to 100%, such as 0.02%" : "a share is above 0 and at most 100%, such as 0.1%");
	*out = (double)share / (double)SHARE_ONE;
	return true;
}

static bool read_rate(const char *value, double *out)
{
	char *end;

	*out = strtod(value, &end);
	if (end != value && *end == '\0' && *out > 0 && *out <= RATE_MAX)
		return true;
	return wrong("rate", value, "requests a second are a number above 0, such as 50");
}

static bool take_option(struct plan_arguments *a, enum plan_option option, const char *value)
{
	switch (option) {
	case PLAN_LIMIT:
		return read_share("limit", value, false, &a->limit);
	case PLAN_EXPECT:
		return read_share("expect", value, true, &a->expect);
	case PLAN_RATE:
		return read_rate(value, &a->rate);
	case PLAN_SAMPLE:
		return read_share("sample", value, false, &a->sample);
	case PLAN_REPORT:
		a->report = value;
		break;
	case PLAN_TARGET:
		a->target = value;
		break;
	case PLAN_JSON:
		a->json = true;
		break;
	case PLAN_HELP:
		a->help = true;
		break;
	case PLAN_OPTION_COUNT:
		break;
	}
	return true;
}

static bool parse(struct plan_arguments *a, int argc, char **argv)
{
	struct command_line l = { command_find("plan"), argc, argv, 1, false, NULL };

	for (int i; (i = command_line_next(&l)) != COMMAND_LINE_END;) {
		if (i == COMMAND_LINE_WORD)
			log_error("plan: what is \"%.200s\"? Options say it all; shadowtap plan --help says how", l.value);
		if (i < 0 || !take_option(a, (enum plan_option)i, l.value))
			return false;
	}
	if (!a->help && isnan(a->limit)) {
		log_error("plan: say which mismatch is allowed: --limit 0.1%%");
		return false;
	}
	if (a->target && !a->report) {
		log_error("plan: --target names one of a report's targets; name the report with --report FILE");
		return false;
	}
	return true;
}

/* ---- what a report knows ---- */

/** find_target() - in "comparison.targets"; nothing there: it was told */
static struct view find_target(struct view targets, const struct plan_arguments *a)
{
	for (struct view_walk w = view_walk(targets); view_next(&w);)
		if (a->target ? view_is_text(w.name, a->target) : !view_is_text(view_get(w.value, "role"), "control"))
			return w.value;
	if (view_size(targets) == 0)
		log_error("plan: nothing was compared in \"%s\"; --compare does", a->report);
	else
		log_error("plan: there is no %s \"%s\" in \"%s\"", a->target ? "target" : "shadow", a->target ? a->target : "", a->report);
	return (struct view){ 0 };
}

/** rate_of_report() - requests a second that matched, before the sample */
static double rate_of_report(struct view report)
{
	double seconds = view_number(view_get(report, "seconds")), n = view_number(view_get(report, "requests.chosen")) +
								       view_number(view_get(report, "requests.unsampled"));

	return seconds > 0 && n > 0 ? n / seconds : NAN;
}

static int use_report(struct plan_arguments *a, struct view report, struct plan_facts *f, double *comparable)
{
	struct view target = find_target(view_get(report, "comparison.targets"), a);
	double pairs = view_number(view_get(target, "pairs")), compared = view_number(view_get(target, "compared"));

	if (!target.there)
		return EXIT_COULD_NOT;
	f->count = view_count(view_get(target, "mismatch.count"));
	f->of = view_count(view_get(target, "mismatch.of"));
	f->design_effect = view_number(view_get(target, "witnesses.design_effect"));
	if (isnan(a->expect) && f->of > 0)
		a->expect = (double)f->count / (double)f->of;
	if (isnan(a->rate) && !view_is_text(view_get(report, "speed"), "max"))
		a->rate = rate_of_report(report);
	if (isnan(a->sample) && view_number(view_get(report, "sample")) > 0)
		a->sample = view_number(view_get(report, "sample"));
	if (pairs > 0 && compared > 0)
		*comparable = compared / pairs;
	return EXIT_DONE;
}

static int read_facts(struct plan_arguments *a, struct plan_facts *f)
{
	struct report_file file = { 0 };
	double comparable = 1;
	int status = EXIT_DONE;

	if (a->report)
		status = report_file_read(&file, a->report) < 0 ? EXIT_COULD_NOT :
								  use_report(a, view_of(&file.doc), f, &comparable);
	report_file_deinit(&file);
	f->limit = a->limit;
	f->expect = a->expect;
	f->pairs_per_second = a->rate * (isnan(a->sample) ? 1 : a->sample) * comparable;
	return status;
}

static int run(struct plan_arguments *a)
{
	struct plan_facts facts = { .design_effect = 1 };
	struct buffer text = { 0 };
	int status = read_facts(a, &facts);

	if (status != EXIT_DONE)
		return status;
	if (a->json)
		plan_json(&facts, &text);
	else
		plan_text(&facts, &text);
	if (!buffer_ok(&text) || fputs(buffer_text(&text), stdout) < 0 || fflush(stdout) != 0) {
		log_error("plan: cannot write to standard output: %s", strerror(buffer_ok(&text) ? errno : ENOMEM));
		status = EXIT_COULD_NOT;
	}
	buffer_deinit(&text);
	return status;
}

int plan_command(int argc, char **argv)
{
	struct plan_arguments a = { .limit = NAN, .expect = NAN, .rate = NAN, .sample = NAN };

	if (!parse(&a, argc, argv))
		return EXIT_USAGE;
	return a.help ? command_print_help("plan") : run(&a);
}
