/*
 * no_other_devices.c - D-Bus and RDMA for the program of the tarball: there are none
 *
 * libpcap can capture from these too, so whatever is linked to Debian's libpcap.a wants libdbus and through it
 * libsystemd, of which there is no static library, and to Ubuntu's libibverbs as well, whose drivers are loaded at run
 * time. Of those files libpcap calls the functions here, which come first when they stand here, and say what they say
 * where the kind is left out: it has no devices, and no name is one of its.
 */
#include <pcap/pcap.h>

struct pcap_if_list;

int dbus_findalldevs(struct pcap_if_list *devices, char *error);
pcap_t *dbus_create(const char *device, char *error, int *is_ours);
int rdmasniff_findalldevs(struct pcap_if_list *devices, char *error);
pcap_t *rdmasniff_create(const char *device, char *error, int *is_ours);

int dbus_findalldevs(struct pcap_if_list *devices, char *error)
{
	return 0;
}

pcap_t *dbus_create(const char *device, char *error, int *is_ours)
{
	*is_ours = 0;
	return NULL;
}

int rdmasniff_findalldevs(struct pcap_if_list *devices, char *error)
{
	return 0;
}

pcap_t *rdmasniff_create(const char *device, char *error, int *is_ours)
{
	*is_ours = 0;
	return NULL;
}
