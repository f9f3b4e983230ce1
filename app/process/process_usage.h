/*
 * process_usage.h - what shadowtap itself takes: CPU time and memory
 */
#ifndef APP_PROCESS_PROCESS_USAGE_H
#define APP_PROCESS_PROCESS_USAGE_H

#include <stdint.h>

struct process_usage {
	int statm_fd; /* /proc/self/statm, opened while we may; -1 if there is none */
};

struct process_usage process_usage_open(void);

/** process_usage_cpu_ns() - CPU time of all threads so far, user and system */
int64_t process_usage_cpu_ns(void);

/** process_usage_resident_bytes() - memory that is backed now; 0 if the kernel does not say */
uint64_t process_usage_resident_bytes(const struct process_usage *s);

void process_usage_close(struct process_usage *s);

#endif
