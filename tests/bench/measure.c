/*
 * measure.c - run a command and write what it cost
 *
 * Usage: measure OUT COMMAND ...: "wall user system maxrss status" in seconds and KiB to OUT.
 *
 * A program of its own because the peak that wait4() tells starts with that of
 * the process that forked: beneath a script's interpreter nothing could be seen.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status;
	double begin = now();
	pid_t child;
	FILE *out;

	if (argc < 3) {
		fprintf(stderr, "usage: measure OUT COMMAND ...\n");
		return 2;
	}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 1;
	out = fopen(argv[1], "w");
	if (!out)
		return 1;
	fprintf(out, "%.6f %.6f %.6f %ld %d\n", now() - begin, seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(out) != 0;
}
