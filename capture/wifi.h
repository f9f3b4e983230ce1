/* wifi.h - frames of 802.11, with and without what the radio says about them */
#ifndef CAPTURE_WIFI_H
#define CAPTURE_WIFI_H

#include <stdbool.h>

#include "capture/layer.h"

/**
 * wifi_decode() - take the header of an unencrypted data frame off, down to the ethertype
 * wifi_decode_radiotap() - the same behind a radiotap header
 *
 * Return: PACKET_DECODED (go on), or what became of the packet: management,
 * control, encrypted and aggregated frames are PACKET_IGNORED_NOT_IP, pieces of
 * a frame PACKET_IGNORED_FRAGMENT.
 */
enum packet_result wifi_decode(struct layer *l, uint16_t *ethertype);
enum packet_result wifi_decode_radiotap(struct layer *l, uint16_t *ethertype);

#endif
