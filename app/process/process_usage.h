/*
 * process_usage.h - what shadowtap itself takes: CPU time and memory
 */
#ifndef APP_PROCESS_PROCESS_USAGE_H
#define APP_PROCESS_PROCESS_USAGE_H

#include <stdint.h>

struct self {
	int statm_fd; /* /proc/self/statm, opened while we may; -1 if there is none */
};

struct self self_open(void);

/** self_cpu_ns() - CPU time of all threads so far, user and system */
int64_t self_cpu_ns(void);

/** self_resident_bytes() - memory that is backed now; 0 if the kernel does not say */
uint64_t self_resident_bytes(const struct self *s);

void self_close(struct self *s);

#endif
