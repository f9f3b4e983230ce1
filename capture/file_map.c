/*
 * file_map.c - see file_map.h
 *
 * Theory of operation. A window slides over the file: moving it unmaps the old
 * place and maps the new one, so what is resident is bounded by the window,
 * however large the file is. The pages are asked for at once; one after the
 * other, by touching them, costs a tenth more on a file of small packets. With
 * that a window of 1 MiB is as fast as one of 4.
 *
 * When the file is made shorter, pages of the window are gone. The kernel then
 * raises SIGBUS in the thread that touches one. The handler here knows all
 * windows; for an address within one it puts zeros in place of that page and
 * all behind it, notes from where on the window is not the file's any more, and
 * the touch goes on. Any other SIGBUS is not ours: the action that was there
 * before is put back, and the fault, which happens again, finds that. All
 * windows have one size and one word says where each is, so the handler needs
 * no lock; no thread touches a window while it is moved.
 *
 * Within the last page that the file still has there is no signal: what is
 * behind the new end just becomes zeros. So either way what is lost reads as
 * zeros, and a reader that sees zeros where none should be asks
 * file_map_holds(), which looks at the note and at the size of the file.
 *
 * What is lost, or overwritten, between the question and the use of the bytes
 * is not noticed in time. So a reader that has borrowed bytes of a window must
 * stay within them whatever they become meanwhile: lengths are kept in spans,
 * not read twice.
 */
#include "capture/file_map.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES ((size_t)1024 * 1024)

struct file_map {
	atomic_bool taken;
	_Atomic uintptr_t window; /* its address; 0: nothing is mapped */
	_Atomic size_t intact;    /* bytes of the window that are the file's, for all we know */
	int fd;
	off_t begin;   /* of what offsets are counted from */
	off_t at, end; /* of the last window in the file: where it began, and where it or the file ended */
};

static struct file_map maps[FILE_MAPS_MAX];
static struct sigaction previous;

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t intact_bytes(const struct file_map *m)
{
	return atomic_load_explicit(&((struct file_map *)m)->intact, memory_order_relaxed);
}

/* Is @address in a window? Then from its page on there are zeros. */
static bool mend(uintptr_t address)
{
	for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
		uintptr_t window = atomic_load_explicit(&maps[i].window, memory_order_relaxed);
		size_t lost = (address - window) / page_bytes() * page_bytes();

		if (window == 0 || lost >= WINDOW_BYTES)
			continue;
		if (mmap((void *)(window + lost), WINDOW_BYTES - lost, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return false;
		if (lost < intact_bytes(&maps[i]))
			atomic_store_explicit(&maps[i].intact, lost, memory_order_relaxed);
		return true;
	}
	return false;
}

static void on_bus_error(int signum, siginfo_t *info, void *context)
{
	int err = errno;

	(void)context;
	if (info->si_code <= 0 || !mend((uintptr_t)info->si_addr)) {
		sigaction(signum, &previous, NULL);
		if (info->si_code <= 0)
			raise(signum); /* it was sent, and will not happen again by itself */
	}
	errno = err;
}

/* Each time, since libraries take signals for themselves too. */
static void catch_bus_errors(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO }, now;

	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&lock);
	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_bus_error) {
		previous = now;
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&lock);
}

struct file_map *file_map_new(int fd, off_t begin)
{
	catch_bus_errors();
	for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
		struct file_map *m = &maps[i];

		if (atomic_exchange(&m->taken, true))
			continue;
		m->fd = fd;
		m->begin = begin;
		m->at = m->end = 0;
		atomic_store(&m->intact, WINDOW_BYTES);
		return m;
	}
	return NULL;
}

static void unmap(struct file_map *m)
{
	uintptr_t window = atomic_load_explicit(&m->window, memory_order_relaxed);

	if (window == 0)
		return;
	atomic_store_explicit(&m->window, 0, memory_order_relaxed);
	munmap((void *)window, WINDOW_BYTES);
}

int file_map_move(struct file_map *m, uint64_t offset, size_t wanted, struct span *out)
{
	off_t from = m->begin + (off_t)offset, at = from - from % (off_t)page_bytes();
	struct stat st;
	void *window;

	if (fstat(m->fd, &st) != 0)
		return 0;
	if (intact_bytes(m) < WINDOW_BYTES || st.st_size < m->end)
		return FILE_MAP_LOST;
	unmap(m);
	if (st.st_size < from || (uint64_t)(st.st_size - from) < wanted)
		return 0;
	window = mmap(NULL, WINDOW_BYTES, PROT_READ, MAP_SHARED, m->fd, at);
	if (window == MAP_FAILED)
		return 0;
	/* What this doesn't bring in comes when it is touched. */
	madvise(window, WINDOW_BYTES, MADV_POPULATE_READ);
	m->at = at;
	m->end = st.st_size - at < (off_t)WINDOW_BYTES ? st.st_size : at + (off_t)WINDOW_BYTES;
	atomic_store_explicit(&m->window, (uintptr_t)window, memory_order_relaxed);
	*out = span_of((uint8_t *)window, (size_t)(m->end - at));
	return span_skip(out, (size_t)(from - at));
}

bool file_map_holds(const struct file_map *m, const uint8_t *end)
{
	uintptr_t window = atomic_load_explicit(&((struct file_map *)m)->window, memory_order_relaxed);
	size_t len = (uintptr_t)end - window;
	struct stat st;

	if (window == 0)
		return true;
	/* The caller touched first, and we look at the note then. */
	atomic_signal_fence(memory_order_seq_cst);
	return len <= intact_bytes(m) && fstat(m->fd, &st) == 0 && m->at + (off_t)len <= st.st_size;
}

void file_map_free(struct file_map *m)
{
	if (!m)
		return;
	unmap(m);
	atomic_store(&m->taken, false);
}
