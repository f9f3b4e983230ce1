/*
 * no_dbus.c - D-Bus for the program of the tarball: there is none
 *
 * libpcap can capture from D-Bus too, so whatever is linked to Debian's
 * libpcap.a wants libdbus and through it libsystemd, of which there is no
 * static library. Of that file libpcap calls these two functions, which come
 * first when they stand here, and say what they say where D-Bus is left out:
 * it has no devices, and no name is one of its.
 */
#include <pcap/pcap.h>

struct pcap_if_list;

int dbus_findalldevs(struct pcap_if_list *devices, char *error);
pcap_t *dbus_create(const char *device, char *error, int *is_ours);

int dbus_findalldevs(struct pcap_if_list *devices, char *error)
{
	return 0;
}

pcap_t *dbus_create(const char *device, char *error, int *is_ours)
{
	*is_ours = 0;
	return NULL;
}
