/* second_process.c - see second_process.h */
#include "app/process/second_process.h"

#include <errno.h>
#include <unistd.h>

void second_process_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], handler);
}

int second_process_read(int fd, void *at, size_t len)
{
	for (size_t had = 0; had < len;) {
		ssize_t n = read(fd, (char *)at + had, len - had);

		if (n == 0)
			return -EPIPE;
		if (n < 0 && errno != EINTR)
			return -errno;
		had += n > 0 ? (size_t)n : 0;
	}
	return 0;
}
