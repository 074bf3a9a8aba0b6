/** The packets of a capture that tcpdump or Wireshark has written as pcap. */

/** A packet of a capture. */
export interface Packet {
  /** Its number in the file, from 1, as Wireshark shows it. */
  readonly number: number;
  readonly time: Date;
  /** Its bytes, from the Ethernet header on: a view of the file. */
  readonly frame: Uint8Array;
  /** How many bytes it had on the wire. The capture has fewer of them if it was limited (`tcpdump -s`). */
  readonly length: number;
}

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
const ETHERNET = 1;

/**
 * Reads the packets of a pcap file.
 *
 * @param file - its bytes
 * @throws {Error} if it is no pcap file, or not one of Ethernet, or ends inside a packet
 */
export function* readPcap(file: Uint8Array): Generator<Packet> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const { isLittle, fractions } = checkHeader(view);
  let number = 1;
  for (let at = FILE_HEADER; at < file.length; number += 1) {
    if (at + PACKET_HEADER > file.length) throw new Error(`the file ends in the header of packet ${number}`);
    const word = (offset: number) => view.getUint32(at + offset, isLittle);
    const time = new Date(word(0) * 1000 + word(4) / fractions);
    const [captured, length] = [word(8), word(12)];
    const start = at + PACKET_HEADER;
    if (captured > file.length - start) {
      throw new Error(`packet ${number} has ${captured} bytes, but the file ends after ${file.length - start}`);
    }
    at = start + captured;
    yield { number, time, frame: file.subarray(start, at), length };
  }
}

/** The byte order of the file, and how many of its fractions of a second are a millisecond. */
function checkHeader(view: DataView): { isLittle: boolean; fractions: number } {
  if (view.byteLength < FILE_HEADER) throw new Error(`a pcap file has at least ${FILE_HEADER} bytes`);
  const magic = [view.getUint32(0), view.getUint32(0, true)];
  if (magic[0] === 0x0a0d_0d0a) throw new Error("the file is pcapng: convert it with `editcap -F pcap IN OUT`");
  const isNano = magic.includes(0xa1b2_3c4d);
  if (!isNano && !magic.includes(0xa1b2_c3d4)) throw new Error("the file is not pcap");
  const isLittle = magic[1] === (isNano ? 0xa1b2_3c4d : 0xa1b2_c3d4);
  const linkType = view.getUint32(20, isLittle) & 0xffff;
  if (linkType !== ETHERNET) throw new Error(`the link type is ${linkType}: only Ethernet (1) is supported`);
  return { isLittle, fractions: isNano ? 1_000_000 : 1000 };
}
