/*
 * listen_only.c - see listen_only.h; what the kernel offers, and what is made of it
 *
 * Theory of operation. There is no packet socket that can only listen:
 *
 * - a socket filter (SO_ATTACH_FILTER) looks at what comes in, never at what is
 *   sent;
 * - shutdown(SHUT_WR) is refused (EOPNOTSUPP: packet sockets have none);
 * - a socket with protocol 0 sends as well as any other, it only hears nothing;
 * - the smallest send buffer (SO_SNDBUF) holds a frame;
 * - a socket with a ring for sending takes frames from there and none from
 *   write(), but such a ring has to be made before the other one is mapped, which
 *   libpcap does in the same step as making it.
 *
 * What remains is to refuse the calls. A seccomp filter of its own, beside that
 * of the sandbox, lets everything pass but those that send on these descriptors
 * or give one of them another number. The kernel looks at every filter and obeys
 * the strictest, and at no later call can one be taken off. Descriptors are ints:
 * the kernel drops the upper half of the argument, so only the lower is compared.
 *
 * It is written out here and not left to libseccomp, which makes a chain of rules
 * for each pair of call and descriptor: 64 lanes on some interfaces would not fit
 * the 4,096 instructions that a filter may have. And it needs no library.
 *
 * What a filter cannot see is memory. An attacker who runs code in this
 * process could still pass a descriptor to it through a Unix socket (SCM_RIGHTS)
 * and get another number for it, or write with io_uring, which the sandbox keeps
 * out and --no-sandbox does not. A mistake cannot do either.
 */
#include "app/process/listen_only.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define FOREIGN_CALLS 0x40000000 /* x32: numbers from here on */
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

#define ARGUMENT(n) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n) + LOW_HALF))
#define REFUSE      (SECCOMP_RET_TRAP | LISTEN_ONLY_MARK)
#define ROOM        (160 + 2 * LISTEN_ONLY_MAX) /* below BPF_MAXINSNS, 4,096 */

/* What sends, and what gives a descriptor another number: the call, and which argument the descriptor is. */
static const struct {
	uint32_t call;
	unsigned arg;
} calls[] = {
	{ __NR_write, 0 },
	{ __NR_writev, 0 },
	{ __NR_pwrite64, 0 },
	{ __NR_pwritev, 0 },
#ifdef __NR_pwritev2
	{ __NR_pwritev2, 0 },
#endif
#ifdef __NR_send
	{ __NR_send, 0 },
#endif
	{ __NR_sendto, 0 },
	{ __NR_sendmsg, 0 },
	{ __NR_sendmmsg, 0 },
	{ __NR_splice, 2 },
	{ __NR_sendfile, 0 },
#ifdef __NR_sendfile64
	{ __NR_sendfile64, 0 },
#endif
	{ __NR_dup, 0 },
#ifdef __NR_dup2
	{ __NR_dup2, 0 },
#endif
	{ __NR_dup3, 0 },
};

static const uint32_t fcntls[] = {
	__NR_fcntl,
#ifdef __NR_fcntl64
	__NR_fcntl64,
#endif
};

#define CALLS  (sizeof(calls) / sizeof(calls[0]))
#define FCNTLS (sizeof(fcntls) / sizeof(fcntls[0]))

struct program {
	struct sock_filter code[ROOM];
	unsigned short len;
	unsigned short jumps[CALLS + FCNTLS]; /* to where the descriptor is compared */
	size_t jump_count;
};

static void add(struct program *p, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false)
{
	p->code[p->len++] = (struct sock_filter)BPF_JUMP(code, value, if_true, if_false);
}

static void load(struct program *p, uint32_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

/* If what is loaded is @value go on, else skip that many instructions. */
static void unless(struct program *p, uint32_t value, uint8_t skip)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
}

static void end_with(struct program *p, uint32_t action)
{
	add(p, BPF_RET | BPF_K, action, 0, 0);
}

static void compare(struct program *p, unsigned arg)
{
	load(p, ARGUMENT(arg));
	p->jumps[p->jump_count++] = p->len;
	add(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

/* A call by the numbers of another architecture is not ours. */
static void refuse_foreign(struct program *p)
{
#ifdef NATIVE_ARCH
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	end_with(p, REFUSE);
#endif
	load(p, offsetof(struct seccomp_data, nr));
#ifdef FOREIGN_CALLS
	add(p, BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1);
	end_with(p, REFUSE);
#endif
}

/* fcntl(F_DUPFD) is a dup() under another name. */
static void add_fcntl(struct program *p, uint32_t call)
{
	unless(p, call, 6);
	load(p, ARGUMENT(1));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, F_DUPFD, 2, 0);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, F_DUPFD_CLOEXEC, 1, 0);
	end_with(p, SECCOMP_RET_ALLOW);
	compare(p, 0);
}

static void make(struct program *p, const int *fds, size_t count)
{
	refuse_foreign(p);
	for (size_t i = 0; i < CALLS; i++) {
		unless(p, calls[i].call, 2);
		compare(p, calls[i].arg);
	}
	for (size_t i = 0; i < FCNTLS; i++)
		add_fcntl(p, fcntls[i]);
	end_with(p, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < p->jump_count; i++)
		p->code[p->jumps[i]].k = (uint32_t)(p->len - p->jumps[i] - 1);
	for (size_t i = 0; i < count; i++) {
		unless(p, (uint32_t)fds[i], 1);
		end_with(p, REFUSE);
	}
	end_with(p, SECCOMP_RET_ALLOW);
}

static int put_in_force(const struct program *p)
{
	struct sock_fprog filter = { .len = p->len, .filter = (struct sock_filter *)p->code };
	long result;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
	return result < 0 ? -errno : result > 0 ? -EBUSY : 0; /* positive: a thread with filters of its own */
}

int listen_only_enter(const int *fds, size_t count, struct buffer *error)
{
	struct program *p;
	int err = -ENOMEM;

	if (count == 0)
		return 0;
	if (count > LISTEN_ONLY_MAX) {
		buffer_printf(error, "cannot capture with %zu packet sockets (each lane has one for each interface): %d is the most",
			      count, LISTEN_ONLY_MAX);
		return -E2BIG;
	}
	p = calloc(1, sizeof(*p));
	if (p) {
		make(p, fds, count);
		err = put_in_force(p);
	}
	free(p);
	if (err < 0)
		buffer_printf(error, "cannot close the packet sockets for sending: %s", strerror(-err));
	return err;
}
