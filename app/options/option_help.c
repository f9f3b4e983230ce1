/*
 * option_help.c - the text of --help, from the table
 *
 * Two columns: how the option is written, and what it means with its default,
 * wrapped so that nothing goes past the hundredth column. A left side that is
 * too long for its column has a line to itself.
 */
#include <string.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "app/options/options.h"

#define LEFT_WIDTH 31
#define WIDTH 100

static const char usage_text[] =
	"usage: shadowtap [OPTIONS] -t URL [BPF EXPRESSION]             mirror live traffic\n"
	"       shadowtap [OPTIONS] -t URL -r FILE [BPF EXPRESSION]     replay a recording\n"
	"       shadowtap doctor [OPTIONS] [-t URL] [BPF EXPRESSION]    say why nothing is captured or sent\n"
	"       shadowtap report FILE.json... [-o FILE]                 draw reports again, several as one\n"
	"       shadowtap diff A B [OPTIONS]                            compare two responses in files\n"
	"       shadowtap repro REPORT.json ID [OPTIONS]                make a case of an example\n"
	"       shadowtap plan --limit SHARE [OPTIONS]                  say how long it takes to decide\n"
	"\n"
	"Watches HTTP requests on the wire and sends a copy of those you choose to a shadow server.\n"
	"It does not stand in production's way and sends nothing to it: a target that turns out to be the\n"
	"service being watched is refused. The shadow's answers are read and, unless compared, thrown away.\n";

static const char doctor_text[] =
	"usage: shadowtap doctor [OPTIONS] [-t URL] [BPF EXPRESSION]\n"
	"\n"
	"Says why nothing is captured, matched or sent, and what to do. It takes the options of a run, looks\n"
	"at the traffic for five seconds (--duration) or at a recording, and sends each target one HEAD\n"
	"request, and after a 404 one OPTIONS. It mirrors nothing.\n"
	"Exit status: 0 this would work, 1 it would not yet, 2 wrong usage.\n"
	"\n"
	"These options matter to it; the others of a run are taken and change nothing:\n";

static const char rest_text[] =
	"\n"
	"Times: 300ms, 0.3, 5s, 2m. Sizes: 64K, 16M, 1G. In a config file, -S 5% is \"sample = 5%\" and\n"
	"--dry-run is \"dry-run = yes\".\n"
	"Exit status: 0 done, 1 could not do it, 2 wrong usage, 3 the condition of --fail-on holds, or\n"
	"--stop-when decided did not end with promote.\n"
	"\n"
	"Examples:\n"
	"  shadowtap -i eth0 -p 8080 -t http://127.0.0.1:9000 -S 5%\n"
	"      mirror 5% of the POST and PUT requests to port 8080\n"
	"  shadowtap -r monday.pcap -x 10 -t new=http://shadow:9000/v2 --report totals.json\n"
	"      replay a recording ten times as fast, and keep the totals\n"
	"  shadowtap -i any -p 8000 --preset openai --dry-run -o - -c 20\n"
	"      show the next 20 requests that would be mirrored, and send nothing\n";

static const char *const group_titles[] = {
#define X(id, title) title,
	OPTION_GROUPS(X)
#undef X
};

static void pad(struct buffer *out, size_t from, size_t to)
{
	for (; from < to; from++)
		buffer_add_str(out, " ");
}

/* Append @text word by word; @column is where the cursor stands and is moved on. */
static void wrap(struct buffer *out, const char *text, size_t *column)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (*column + 1 + len > WIDTH) {
			buffer_add_str(out, "\n");
			pad(out, 0, LEFT_WIDTH);
			*column = LEFT_WIDTH;
		} else if (*column > LEFT_WIDTH) {
			buffer_add_str(out, " ");
			*column += 1;
		}
		buffer_add(out, text, len);
		*column += len;
		text += len + (text[len] == ' ');
	}
}

static void add_row(struct buffer *out, const struct option_row *row)
{
	struct buffer initial = { 0 };
	size_t column, begin = out->len;

	if (row->letter)
		buffer_printf(out, "  -%c, ", row->letter);
	else
		buffer_add_str(out, "      ");
	buffer_printf(out, "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
	column = out->len - begin;
	if (column + 1 > LEFT_WIDTH) {
		buffer_add_str(out, "\n");
		column = 0;
	}
	pad(out, column, LEFT_WIDTH);
	column = LEFT_WIDTH;
	wrap(out, row->help, &column);
	option_initial(row, &initial);
	if (initial.len > 0) {
		buffer_add_str(&initial, ")");
		wrap(out, "(default:", &column);
		wrap(out, buffer_text(&initial), &column);
	}
	buffer_add_str(out, "\n");
	buffer_deinit(&initial);
}

static void add_group(struct buffer *out, enum option_group group)
{
	buffer_printf(out, "\n%s:\n", group_titles[group]);
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].group == group)
			add_row(out, &option_rows[i]);
}

void options_help(struct buffer *out)
{
	buffer_add_str(out, usage_text);
	for (int group = 0; group < OPTION_GROUP_COUNT; group++)
		add_group(out, (enum option_group)group);
	buffer_add_str(out, rest_text);
}

void options_help_doctor(struct buffer *out)
{
	buffer_add_str(out, doctor_text);
	add_row(out, option_by_name(SPAN_LITERAL("json")));
	for (int group = 0; group <= OPTION_GROUP_TARGET; group++)
		add_group(out, (enum option_group)group);
}
