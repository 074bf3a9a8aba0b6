/**
 * Converts printed addresses to the 16 bytes of a sockaddr_in6. Runs for every packet: it allocates nothing and throws
 * nothing.
 */

const COLON = 58;
const DOT = 46;
const PERCENT = 37;

/**
 * Writes an address as 16 bytes, IPv4 as ::ffff:a.b.c.d. A scope (`%eth0`) is ignored.
 *
 * @param text an address as inet_ntop prints it: `192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1`. Not validated: other
 * text writes meaningless bytes.
 * @param bytes the target; 16 bytes from `at` on are written.
 */
export function writeAddress(text: string, bytes: Uint8Array, at: number): void {
  const end = text.length;
  let from = 0;
  let to = at;
  // Position of `::`. The groups after it are moved to the end below.
  let gap = -1;
  let group = 0;
  let digits = 0;
  for (; from < end; from++) {
    const code = text.charCodeAt(from);
    if (code === COLON) {
      if (digits > 0) {
        bytes[to++] = group >>> 8;
        bytes[to++] = group;
        group = 0;
        digits = 0;
      } else gap = to;
    } else if (code === DOT) {
      if (to === at) {
        bytes.fill(0, at, at + 10);
        bytes[at + 10] = 0xff;
        bytes[at + 11] = 0xff;
        to = at + 12;
      }
      writeIpv4(text, from - digits, bytes, to);
      to += 4;
      digits = 0;
      break;
    } else if (code === PERCENT) break;
    else {
      group = (group << 4) | (code <= 57 ? code - 48 : (code | 32) - 87);
      digits++;
    }
  }
  if (digits > 0) {
    bytes[to++] = group >>> 8;
    bytes[to++] = group;
  }
  if (gap >= 0) {
    bytes.copyWithin(at + 16 - (to - gap), gap, to);
    bytes.fill(0, gap, at + 16 - (to - gap));
  }
}

function writeIpv4(text: string, from: number, bytes: Uint8Array, at: number): void {
  let part = 0;
  let to = at;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      bytes[to++] = part;
      part = 0;
    } else if (code === PERCENT) break;
    else part = part * 10 + code - 48;
  }
  bytes[to] = part;
}
