/** Link-layer headers: where the IP packet of a frame begins. */

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
/** Tags of IEEE 802.1Q, of 802.1ad (a provider's), and of switches from before 802.1ad. */
const VLAN_TAGS = [0x8100, 0x88a8, 0x9100];

/** Address families in the header of a loopback interface: IPv4, then IPv6 on Linux, NetBSD, FreeBSD and macOS. */
const FAMILIES = [2, 10, 24, 28, 30];

/** Returned instead of the place of an IP packet if the frame has none. */
export const NO_IP = -1;
/** Returned if the frame was captured only in part, and that part ends in the link-layer header. */
export const CUT_LINK = -2;

/** Where the IP packet of a frame begins, in bytes; {@link NO_IP} or {@link CUT_LINK} if it has none. */
type FindIp = (view: DataView) => number;

/** Ethernet, with any number of VLAN tags. */
export const findInEthernet: FindIp = (view) => afterEtherType(view, 12, 14);
/** Linux's `any` interface (LINKTYPE_LINUX_SLL). */
export const findInCooked: FindIp = (view) => afterEtherType(view, 14, 16);
/** The second version of it (LINKTYPE_LINUX_SLL2). */
export const findInCooked2: FindIp = (view) => afterEtherType(view, 0, 20);
/** No link-layer header. */
export const findRaw: FindIp = (view) => ipAt(view, 0);

/** By the link type of a capture: https://www.tcpdump.org/linktypes.html */
const LINK_TYPES = new Map<number, FindIp>([
  // BSD's loopback: the address family in the byte order of the capturing machine, or of the network.
  [0, afterFamily],
  [108, afterFamily],
  [1, findInEthernet],
  [101, findRaw],
  // Numbers of "raw" in files of BSDs.
  [12, findRaw],
  [14, findRaw],
  [228, findRaw],
  [229, findRaw],
  [113, findInCooked],
  [276, findInCooked2],
]);

/** The function for a link type; `undefined` for those that this program does not know. */
export function findIpOf(linkType: number): FindIp | undefined {
  return LINK_TYPES.get(linkType);
}

/** @param at - of the EtherType. @param next - the end of the header, where VLAN tags follow */
function afterEtherType(view: DataView, at: number, next: number): number {
  if (view.byteLength < next) return CUT_LINK;
  let type = view.getUint16(at);
  let start = next;
  while (VLAN_TAGS.includes(type)) {
    if (view.byteLength < start + 4) return CUT_LINK;
    type = view.getUint16(start + 2);
    start += 4;
  }
  return type === IPV4 || type === IPV6 ? ipAt(view, start) : NO_IP;
}

function afterFamily(view: DataView): number {
  if (view.byteLength < 4) return CUT_LINK;
  const isIp = FAMILIES.includes(view.getUint32(0)) || FAMILIES.includes(view.getUint32(0, true));
  return isIp ? ipAt(view, 4) : NO_IP;
}

function ipAt(view: DataView, start: number): number {
  if (view.byteLength <= start) return CUT_LINK;
  const version = view.getUint8(start) >> 4;
  return version === 4 || version === 6 ? start : NO_IP;
}
