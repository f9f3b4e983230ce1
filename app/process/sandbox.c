/*
 * sandbox.c - see sandbox.h; the lists of system calls and the reasons for them
 *
 * Theory of operation. A seccomp filter that libseccomp makes of the tables
 * below, for the machine's own architecture, put on all threads. What is not in
 * them raises SIGSYS, whose handler writes one line with the call's name and
 * ends the process: a violation is either a fault that is being exploited or a
 * mistake in these tables, and both must be heard of.
 *
 * Calls are named by text and looked up when the filter is made, so that one
 * that this architecture or this libseccomp does not have is no error: arm64
 * has no open() and no poll(), and old kernels no epoll_pwait2().
 *
 * Only three calls fail with ENOSYS instead: clone3, openat2 and io_uring_setup.
 * Their arguments lie in memory where a filter cannot look, so allowing them
 * would allow what the rules for clone and openat forbid. libc and libuv try
 * them first and take the older call when the kernel does not have them, which
 * is every day's work on older kernels.
 *
 * io_uring_setup is refused twice, the first time by sandbox_prepare() before
 * the first event loop is made. libuv 1.45 to 1.48 by default, and since 1.50
 * always, makes a ring with each loop and hands epoll_ctl() in batches to
 * io_uring_enter(); a ring that was made before the filter would be used behind it. Allowing
 * io_uring_enter instead is no choice: what is asked through a ring passes by
 * every filter, so it could open files for writing and make sockets of any kind.
 * UV_USE_IO_URING=0 turns off a part only. Refused with ENOSYS, libuv calls
 * epoll_ctl() as it did before, at no cost that a measurement shows: handles
 * are few and long-lived here.
 *
 * What stays allowed although it looks dangerous: mmap() and mprotect() with
 * PROT_EXEC, because name resolution loads NSS modules (dlopen) when
 * nsswitch.conf names some; sockets to anywhere, because sending is the
 * program's task.
 */
#include "app/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "app/process/listen_only.h"
#include "app/options/exit_status.h"

#define NAMES_MAX 600 /* numbers of calls are below 500 today */

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* newer libcs name their arenas */
#endif

/* Allowed with any arguments. */
static const char *const allowed[] = {
	/* memory */
	"brk", "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "mlock", "membarrier",
	/* threads, their stacks and locks */
	"futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq", "arch_prctl", "set_tid_address",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu", "exit", "exit_group",
	/* descriptors that are open */
	"read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "_llseek", "close", "dup", "dup2", "dup3",
	"fcntl", "fcntl64", "ftruncate", "fallocate", "fadvise64", "pipe", "pipe2", "eventfd2",
	/* looking at files: recordings again (--loop), and what name resolution and TLS read */
	"fstat", "fstat64", "stat", "stat64", "lstat", "lstat64", "newfstatat", "fstatat64", "statx", "statfs", "fstatfs",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "getdents64",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64", "restart_syscall",
	/* time */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday", "time", "times",
	/* sockets, once they are made (see below) */
	"connect", "bind", "listen", "accept", "accept4", "shutdown", "getsockname", "getpeername", "getsockopt",
	"setsockopt", "socketpair", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg",
	"recvmmsg_time64",
	/* signals */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "rt_sigtimedwait",
	/* about ourselves and the machine */
	"getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32", "getegid32",
	"getrandom", "getrusage", "getrlimit", "ugetrlimit", "sysinfo", "uname",
};

/* Not there, as far as libraries can tell; why is said above. */
static const char *const absent[] = { "clone3", "openat2", "io_uring_setup" };

/* Allowed if one argument, under a mask, has a value. Several rows for one call: any of them. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC)
#define WHOLE   UINT32_MAX

static const struct {
	const char *name;
	unsigned arg;
	uint32_t mask, value;
} conditional[] = {
	{ "open", 1, WRITING, O_RDONLY },
	{ "openat", 2, WRITING, O_RDONLY },
	/* threads, no processes */
	{ "clone", 0, CLONE_THREAD, CLONE_THREAD },
	/* targets, names, and the addresses of this machine that getaddrinfo() asks for; nothing raw */
	{ "socket", 0, WHOLE, AF_INET },
	{ "socket", 0, WHOLE, AF_INET6 },
	{ "socket", 0, WHOLE, AF_UNIX },
	{ "socket", 0, WHOLE, AF_NETLINK },
	/* what is asked of sockets, pipes and terminals; not TIOCSTI, which types for the user */
	{ "ioctl", 1, WHOLE, FIONREAD },
	{ "ioctl", 1, WHOLE, FIONBIO },
	{ "ioctl", 1, WHOLE, FIOCLEX },
	{ "ioctl", 1, WHOLE, FIONCLEX },
	{ "ioctl", 1, WHOLE, TCGETS },
	{ "ioctl", 1, WHOLE, TIOCGWINSZ },
	{ "ioctl", 1, WHOLE, SIOCGIFNAME },
	{ "ioctl", 1, WHOLE, SIOCGIFINDEX },
	{ "ioctl", 1, WHOLE, SIOCGIFFLAGS },
	{ "ioctl", 1, WHOLE, SIOCGIFCONF },
	{ "prctl", 0, WHOLE, PR_SET_NAME },
	{ "prctl", 0, WHOLE, PR_GET_NAME },
	{ "prctl", 0, WHOLE, PR_SET_VMA },
};

static char *names[NAMES_MAX]; /* a handler of signals cannot ask libseccomp */

static void add_text(char *line, size_t size, const char *text)
{
	size_t at = strlen(line), len = strlen(text);

	if (at + len < size)
		memcpy(line + at, text, len + 1);
}

static void add_number(char *line, size_t size, unsigned n)
{
	char digits[12] = { 0 };
	size_t at = sizeof(digits) - 1;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	add_text(line, size, digits + at);
}

/* Whatever the thread was doing, it holds locks: nothing here takes one, and nothing waits for a full pipe. */
static void on_violation(int signum, siginfo_t *info, void *context)
{
	unsigned number = (unsigned)info->si_syscall;
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[256] = "shadowtap: the sandbox refused the system call ";

	(void)signum;
	(void)context;
	if (number < NAMES_MAX && names[number]) {
		add_text(line, sizeof(line), names[number]);
		add_text(line, sizeof(line), ", ");
	}
	add_text(line, sizeof(line), "number ");
	add_number(line, sizeof(line), number);
	if (info->si_errno == LISTEN_ONLY_MARK)
		add_text(line, sizeof(line), ", which would have sent on a packet socket; please report this\n");
	else
		add_text(line, sizeof(line), "; please report this; --no-sandbox runs without the sandbox\n");
	if (poll(&ready, 1, 100) == 1 && write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(EXIT_COULD_NOT);
	_exit(EXIT_COULD_NOT);
}

static int catch_violations(void)
{
	struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };

	for (int i = 0; i < NAMES_MAX; i++)
		if (!names[i])
			names[i] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
	sigemptyset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

/* Negative numbers stand for calls of other architectures; for those a refusal is no error. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
		    const struct scmp_arg_cmp *args)
{
	int number = seccomp_syscall_resolve_name(name), err;

	if (number == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add_array(filter, action, number, count, args);
	return number < 0 ? 0 : err;
}

static int add_conditions(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp process_usage = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	struct scmp_arg_cmp only_ask = SCMP_A2(SCMP_CMP_EQ, 0);
	int err = add_rule(filter, SCMP_ACT_ALLOW, "tgkill", 1, &process_usage); /* abort(), pthread_kill() */

	if (err == 0) /* getrlimit() */
		err = add_rule(filter, SCMP_ACT_ALLOW, "prlimit64", 1, &only_ask);
	for (size_t i = 0; i < sizeof(conditional) / sizeof(conditional[0]) && err == 0; i++) {
		struct scmp_arg_cmp arg = { .arg = conditional[i].arg,
					    .op = SCMP_CMP_MASKED_EQ,
					    .datum_a = conditional[i].mask,
					    .datum_b = conditional[i].value };

		err = add_rule(filter, SCMP_ACT_ALLOW, conditional[i].name, 1, &arg);
	}
	return err;
}

static int make_filter(scmp_filter_ctx filter)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: read() is not the 40th test */
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && err == 0; i++)
		err = add_rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]) && err == 0; i++)
		err = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), absent[i], 0, NULL);
	return err < 0 ? err : add_conditions(filter);
}

/** say_trouble() - libseccomp says -ECANCELED for whatever the kernel answered */
static void say_trouble(int err, struct buffer *error)
{
	buffer_printf(error, "cannot restrict the system calls: %s; --no-sandbox runs without the sandbox",
		      err == -ECANCELED ? "the kernel takes no filter (seccomp), as under an emulator" : strerror(-err));
}

int sandbox_prepare(struct buffer *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), "io_uring_setup", 0, NULL) : -ENOMEM;

	if (err == 0)
		err = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (err < 0)
		say_trouble(err, error);
	return err;
}

int sandbox_enter(struct buffer *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err = filter ? make_filter(filter) : -ENOMEM;

	if (err == 0)
		err = catch_violations();
	if (err == 0)
		err = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	if (err < 0)
		say_trouble(err, error);
	return err;
}

#define TEXT_OF(x)	TEXT_OF_(x)
#define TEXT_OF_(x)	#x

const char *sandbox_version(void)
{
	return "libseccomp " TEXT_OF(SCMP_VER_MAJOR) "." TEXT_OF(SCMP_VER_MINOR) "." TEXT_OF(SCMP_VER_MICRO);
}
