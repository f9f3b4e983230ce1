/* main.c - from argv to the exit status */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <llhttp.h>
#include <pcap/pcap.h>
#include <uv.h>

#include "app/cases/diff_command.h"
#include "app/cases/repro_command.h"
#include "app/options/commands.h"
#include "app/options/completion.h"
#include "app/doctor/doctor.h"
#include "app/options/options.h"
#include "app/run/plan_command.h"
#include "app/run/report_command.h"
#include "app/process/sandbox.h"
#include "app/run/run.h"
#include "base/log.h"
#include "capture/source.h"
#include "policy/presets.h"

static int print(struct buffer *text)
{
	fputs(buffer_text(text), stdout);
	buffer_deinit(text);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_COULD_NOT;
}

static int print_help(void)
{
	struct buffer text = { 0 };

	options_help(&text);
	return print(&text);
}

static int print_doctor_help(void)
{
	struct buffer text = { 0 };

	options_help_doctor(&text);
	return print(&text);
}

static int print_completion(enum shell shell)
{
	struct buffer text = { 0 };

	completion_text(shell, &text);
	return print(&text);
}

static int print_version(void)
{
	printf("shadowtap %s\n%s, libuv %s, llhttp %d.%d.%d, %s\n", SHADOWTAP_VERSION, pcap_lib_version(),
	       uv_version_string(), LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH,
	       sandbox_version());
	return EXIT_DONE;
}

static int print_interfaces(void)
{
	struct buffer text = { 0 }, error = { 0 };
	int status = EXIT_COULD_NOT;

	if (source_list_interfaces(&text, &error) == 0)
		status = print(&text);
	else
		log_error("%s", buffer_text(&error));
	buffer_deinit(&text);
	buffer_deinit(&error);
	return status;
}

/* Below this some library of ours ends the process without a word, in the middle of its own start. */
#define FILES_MIN 64

static bool has_enough_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= FILES_MIN)
		return true;
	log_error("the limit of open files is %llu, and a run takes at least %d beside its connections; "
		  "raise it: ulimit -n 1024, as root if need be",
		  (unsigned long long)files.rlim_cur, FILES_MIN);
	return false;
}

static int print_presets(void)
{
	struct buffer text = { 0 };

	presets_text(&text);
	return print(&text);
}

static int run(const struct options *o)
{
	switch (o->command) {
	case COMMAND_HELP:
		return o->doctor ? print_doctor_help() : print_help();
	case COMMAND_VERSION:
		return print_version();
	case COMMAND_LIST_INTERFACES:
		return print_interfaces();
	case COMMAND_LIST_PRESETS:
		return print_presets();
	case COMMAND_COMPLETION:
		return print_completion(o->shell);
	case COMMAND_CHECK_CONFIG:
	case COMMAND_RUN:
		break;
	}
	if (o->log_all_json)
		log_use_json();
	log_set_level(o->quiet ? LOG_WARN : o->verbose ? LOG_DEBUG : LOG_INFO);
	if (o->command == COMMAND_CHECK_CONFIG)
		return run_check(o);
	if (!has_enough_files())
		return EXIT_COULD_NOT;
	return o->doctor ? doctor_run(o) : run_to_end(o);
}

/**
 * bound_heap() - what is freed goes back to the system
 *
 * glibc raises the size from which an allocation has pages of its own with every such block that is freed, up to
 * 32 MiB. Bodies that grow would then be copied about in a heap with holes between them, and the process would
 * hold more than --max-memory says. A fixed size turns that off; growing such a block moves no bytes (mremap).
 */
static void bound_heap(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

/**
 * open_missing() - descriptors 0 to 2 are never anything but what the caller gave us
 *
 * Where one of them is closed, the next file or socket that is opened gets its number, and what is printed goes
 * into it: log lines went out as frames on the tapped interface, and into the file of -o. In its place comes
 * /dev/null, opened the wrong way round, so that reading and writing still fail as they do on what is closed.
 */
static bool open_missing(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

/**
 * survive_limits() - a limit that is met is an error of the call that met it, with its sentence, not the end
 *
 * A file that may not grow (ulimit -f) gives EFBIG instead of SIGXFSZ. More descriptors than a shell's usual limit are
 * nothing that has to be allowed: up to the hard limit they are ours to take.
 */
static void survive_limits(void)
{
	struct rlimit files;

	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Commands that read their own options; doctor takes those of a run. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} programs[] = {
	{ "report", report_command },
	{ "diff", diff_command },
	{ "repro", repro_command },
	{ "plan", plan_command },
};

/** help_command() - shadowtap help [COMMAND] */
static int help_command(int argc, char **argv)
{
	struct buffer error = { 0 };

	if (argc == 1 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help();
	if (strcmp(argv[1], DOCTOR) == 0)
		return print_doctor_help();
	if (command_find(argv[1]))
		return command_print_help(argv[1]);
	if (!command_is_unknown(argv[1], &error))
		buffer_printf(&error, "there is no help about \"%s\": shadowtap --help has every option", argv[1]);
	log_error("%s", buffer_text(&error));
	buffer_deinit(&error);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct buffer error = { 0 };
	struct options o;
	int status, err;

	if (!open_missing())
		return EXIT_COULD_NOT;
	bound_heap();
	survive_limits();
	log_use_journal();
	if (argc > 1 && strcmp(argv[1], "help") == 0)
		return help_command(argc - 1, argv + 1);
	for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].run(argc - 1, argv + 1);
	if (argc > 1 && command_is_unknown(argv[1], &error)) {
		log_error("%s", buffer_text(&error));
		buffer_deinit(&error);
		return EXIT_USAGE;
	}
	if (argc > 1 && strcmp(argv[1], DOCTOR) == 0)
		err = options_parse_doctor(argc - 1, argv + 1, &o, &error);
	else
		err = options_parse(argc, argv, &o, &error);

	if (err < 0) {
		log_error("%s", buffer_text(&error));
		buffer_deinit(&error);
		return err == -EINVAL ? EXIT_USAGE : EXIT_COULD_NOT;
	}
	status = run(&o);
	options_deinit(&o);
	return status;
}
