/** Offsets and values of the headers of a frame, in bytes: Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768). */

/** Destination, source, type: 6 + 6 + 2 bytes. */
export const ETHERNET_SIZE = 14;
export const ETHERNET_SOURCE = 6;
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** The largest frame without VLAN tag that Ethernet has by default: 1500 bytes after its header. */
export const MAX_FRAME = ETHERNET_SIZE + 1500;

/** Without options. */
export const IPV4_SIZE = 20;
/** Offset 0: version 4, header of 5 words. */
export const IPV4_VERSION = 0x45;
/** Of the whole packet, header included. */
export const IPV4_LENGTH = 2;
export const IPV4_FRAGMENT = 6;
export const IPV4_PROTOCOL = 9;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;

/** Without extension headers. */
export const IPV6_SIZE = 40;
/** Offset 0, the upper four bits. */
export const IPV6_VERSION = 6;
/** Of the packet without this header. */
export const IPV6_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;

export const PROTOCOL_UDP = 17;
export const UDP_SIZE = 8;
export const UDP_SOURCE = 0;
export const UDP_DESTINATION = 2;
/** Header included. */
export const UDP_LENGTH = 4;
