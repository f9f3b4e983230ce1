/*
 * fuzz_config.c - any bytes as a config file, and as a command line
 *
 * The first byte chooses: even, the rest is the contents of a file named with
 * -f; odd, it is argv, cut at NUL bytes. Checked is more than "no crash": a
 * refusal has a sentence of one line without control characters, and what is
 * accepted is inside its ranges and has what a run needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/options/config.h"
#include "app/options/option_table.h"
#include "app/options/options.h"
#include "base/units.h"

#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const struct options *o)
{
	must(o->owner != NULL);
	if (o->command != COMMAND_RUN && o->command != COMMAND_CHECK_CONFIG)
		return;
	must(o->interfaces.count == 0 || o->files.count == 0);
	must(o->interfaces.count + o->files.count > 0);
	must(o->target_count > 0 || o->dry_run || o->command == COMMAND_CHECK_CONFIG);
	must(o->target_count <= TARGETS_MAX && o->ports.count <= PORTS_MAX);
	must(o->snaplen >= 64 && o->snaplen <= 262144);
	must(o->buffer_bytes <= INT32_MAX);
	must(o->policy.sample_share <= SHARE_ONE);
	must(o->speed >= 0.001 && o->speed <= 1000);
	must(o->max_time_ns >= 1000000);
	must(o->connections >= 1 && o->queue >= 1 && o->breaker >= 1);
	must((o->host_mode == HOST_VALUE) <= (o->host_value != NULL));
	must((o->policy.sample_by == SAMPLE_BY_HEADER) <= (o->policy.sample_header != NULL));
	for (size_t i = 0; i < o->target_count; i++)
		for (size_t j = 0; j < i; j++)
			must(strcmp(o->targets[i].url.name, o->targets[j].url.name) != 0);
}

static void run(int argc, char **argv)
{
	struct buffer error = { 0 };
	struct options o;
	int rc = options_parse(argc, argv, &o, &error);

	must(rc <= 0);
	must((rc < 0) == (error.len > 0));
	for (size_t i = 0; i < error.len; i++)
		must(error.bytes[i] >= ' ' && error.bytes[i] != 0x7f);
	if (rc == 0) {
		check_accepted(&o);
		options_deinit(&o);
	}
	buffer_deinit(&error);
}

/* Lines, keys and values lie inside the text, in order, and are trimmed. */
static void check_lines(struct span text)
{
	struct line_reader reader = { text, 0 };
	struct span line, key, value;
	unsigned number = 0;

	while (line_next(&reader, &line)) {
		must(reader.number > number && line.len > 0 && line.at[0] != '#');
		must(!memchr(line.at, '\n', line.len));
		number = reader.number;
		config_split(line, &key, &value);
		must(key.len + value.len <= line.len);
		must(!key.len || !memchr(key.at, '=', key.len));
		must(!key.len || (key.at[0] != ' ' && key.at[key.len - 1] != ' '));
		must(!value.len || (value.at[0] != ' ' && value.at[value.len - 1] != ' '));
	}
}

static void run_file(const uint8_t *data, size_t size)
{
	char path[32], program[] = "shadowtap", option[] = "-f", dry_run[] = "--dry-run";
	char *argv[] = { program, option, path, dry_run, NULL };
	int fd = memfd_create("config", MFD_CLOEXEC);

	must(fd >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	check_lines(span_of(data, size));
	run(4, argv);
	run(3, argv);
	close(fd);
}

static void run_line(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[ARGS_MAX + 1] = { NULL };
	int argc = 0;
	size_t at = 0;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	argv[argc++] = text + size;
	for (; at < size && argc < ARGS_MAX; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	run(argc, argv);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		run_file(data + 1, size - 1);
	else
		run_line(data + 1, size - 1);
	return 0;
}
