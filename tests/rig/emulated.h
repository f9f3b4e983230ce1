/* emulated.h - whether the tests run in an emulator of user programs, which has not all the calls that capturing takes */
#ifndef TESTS_RIG_EMULATED_H
#define TESTS_RIG_EMULATED_H

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/** lacks_capture_calls() - qemu's has no SIOCETHTOOL, without which libpcap opens no interface */
static inline bool lacks_capture_calls(void)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	struct ifreq request = { .ifr_name = "lo", .ifr_data = (void *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	bool lacks = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) != 0 && errno == ENOSYS;

	if (fd >= 0)
		close(fd);
	return lacks;
}

#endif
