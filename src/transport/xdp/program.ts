/**
 * The program that the kernel runs for each frame of the interface. It takes only plain queries and announcements for one of our
 * addresses; everything else it passes on to the kernel, which does with it what it does without the program.
 */
import { Assembler, type Condition, type Operand, type Register } from "./assembler.ts";
import {
  ETHERNET_SIZE,
  ETHERNET_SOURCE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_LENGTH,
  IPV4_PROTOCOL,
  IPV4_SIZE,
  IPV4_SOURCE,
  IPV4_VERSION,
  IPV6_DESTINATION,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  IPV6_SIZE,
  IPV6_SOURCE,
  IPV6_VERSION,
  MAX_FRAME,
  PROTOCOL_UDP,
  UDP_DESTINATION,
  UDP_LENGTH,
  UDP_SIZE,
  UDP_SOURCE,
} from "./headers.ts";

/**
 * Keys of the map of addresses: the interface's Ethernet address (6 bytes), 2 zeros, and an IP address (16 bytes, IPv4 as
 * ::ffff:a.b.c.d).
 */
export const KEY_SIZE = 24;
export const KEY_ADDRESS = 8;
/** Values of the map: an address of the interface that the server listens on, or another one that no packet can come from. */
export const OWN_ADDRESS = 1;
export const NO_SOURCE = 2;

/** Results of a program, enum xdp_action. */
const XDP_PASS = 2;
/* Helper functions of the kernel. */
const MAP_LOOKUP = 1;
const REDIRECT_MAP = 51;
/* Offsets in struct xdp_md. */
const DATA = 0;
const DATA_END = 4;
const QUEUE = 16;

/* Registers. */
const RESULT = 0;
/** Arguments of helper functions, which do not keep their values. */
const ARGUMENTS = [1, 2, 3] as const;
const CONTEXT = 6;
/** Start and end of the frame. */
const FRAME = 7;
const END = 8;
const A = 2;
const B = 3;
const STACK = 10;
/** The key on the stack. */
const KEY = -KEY_SIZE;
const KEY_IP = KEY + KEY_ADDRESS;

/** In the first byte of an Ethernet address: it is that of a group. */
const GROUP_BIT = 1;
/** Everything of the fragment field but "do not fragment": more fragments, the offset, and a reserved bit. */
const FRAGMENT_BITS = 0xbfff;
/** IPv4 sources from here on are multicast, reserved, or broadcast: 224.0.0.0/3. */
const IPV4_MULTICAST = 224;
const IPV4_LOOPBACK = 127;
const IPV6_MULTICAST = 0xff;
/** The two middle words of an IPv4 address that is written as IPv6, as a little-endian number. */
const MAPPED_WORD = 0xffff_0000 | 0;

export interface ProgramOptions {
  /** UDP port of the server. */
  readonly port: number;
  /** Descriptor of the map of addresses. */
  readonly addresses: number;
  /** Descriptor of the map from queues to sockets. */
  readonly sockets: number;
}

/**
 * The instructions. They read a frame as docs/xdp.md draws it. Whether the packet is whole is left to the worker: an
 * address that is computed from a field of the frame would need one more right (CAP_PERFMON).
 */
export function xdpProgram({ port, addresses, sockets }: ProgramOptions): Uint8Array<ArrayBuffer> {
  const asm = new Assembler();
  /** Passes the frame to the kernel if a condition holds. */
  const passIf = (register: Register, condition: Condition, operand: Operand) =>
    asm.jumpIf(register, condition, operand, "pass");
  /** Loads a big-endian number of 16 bits of the frame. */
  const loadNumber = (to: Register, at: number) => asm.load(16, to, FRAME, at).bigEndian(to, 16);
  const passUnlessFits = (length: number) => {
    asm.alu("move", A, { register: FRAME }).alu("add", A, length);
    passIf(A, ">", { register: END });
  };
  const [first, second, third] = ARGUMENTS;
  const findAddress = () =>
    asm.loadMap(first, addresses).alu("move", second, { register: STACK }).alu("add", second, KEY).call(MAP_LOOKUP);
  /** Passes frames whose destination is not an address of ours. */
  const passUnlessOurs = () => {
    findAddress();
    passIf(RESULT, "==", 0);
    asm.load(32, A, RESULT, 0);
    passIf(A, "!=", OWN_ADDRESS);
  };
  /** The UDP header. B has the length that the IP header leaves for it. */
  const checkUdp = (at: number) => {
    loadNumber(A, at + UDP_SOURCE);
    passIf(A, "==", 0);
    loadNumber(A, at + UDP_DESTINATION);
    passIf(A, "!=", port);
    loadNumber(A, at + UDP_LENGTH);
    passIf(A, "!=", { register: B });
    passIf(A, "<", UDP_SIZE);
  };

  const copyAddress = (field: number) => {
    for (let at = 0; at < 16; at += 4) {
      asm.load(32, A, FRAME, ETHERNET_SIZE + field + at).store(32, STACK, KEY_IP + at, A);
    }
  };

  asm.alu("move", CONTEXT, { register: first }).load(32, FRAME, CONTEXT, DATA).load(32, END, CONTEXT, DATA_END);
  passUnlessFits(ETHERNET_SIZE + IPV4_SIZE + UDP_SIZE);
  asm.alu("move", A, { register: FRAME }).alu("add", A, MAX_FRAME + 1);
  passIf(A, "<=", { register: END });

  // The Ethernet address of the destination is the first part of the key.
  asm
    .load(32, A, FRAME, 0)
    .store(32, STACK, KEY, A)
    .load(16, A, FRAME, 4)
    .store(32, STACK, KEY + 4, A);
  // The reply goes to where the frame comes from. That must not be a group.
  asm.load(8, A, FRAME, ETHERNET_SOURCE).alu("and", A, GROUP_BIT);
  passIf(A, "!=", 0);
  loadNumber(A, ETHERNET_SIZE - 2);
  asm.jumpIf(A, "==", ETHERTYPE_IPV6, "ipv6");
  passIf(A, "!=", ETHERTYPE_IPV4);

  asm.load(8, A, FRAME, ETHERNET_SIZE);
  passIf(A, "!=", IPV4_VERSION);
  loadNumber(A, ETHERNET_SIZE + IPV4_FRAGMENT);
  asm.alu("and", A, FRAGMENT_BITS);
  passIf(A, "!=", 0);
  asm.load(8, A, FRAME, ETHERNET_SIZE + IPV4_PROTOCOL);
  passIf(A, "!=", PROTOCOL_UDP);
  asm.load(8, A, FRAME, ETHERNET_SIZE + IPV4_SOURCE);
  passIf(A, "==", 0);
  passIf(A, "==", IPV4_LOOPBACK);
  passIf(A, ">=", IPV4_MULTICAST);
  loadNumber(B, ETHERNET_SIZE + IPV4_LENGTH);
  asm.alu("add", B, -IPV4_SIZE);
  checkUdp(ETHERNET_SIZE + IPV4_SIZE);
  asm.storeValue(64, STACK, KEY_IP, 0).storeValue(32, STACK, KEY_IP + 8, MAPPED_WORD);
  asm.load(32, A, FRAME, ETHERNET_SIZE + IPV4_SOURCE).store(32, STACK, KEY_IP + 12, A);
  findAddress();
  passIf(RESULT, "!=", 0);
  asm.load(32, A, FRAME, ETHERNET_SIZE + IPV4_DESTINATION).store(32, STACK, KEY_IP + 12, A);
  asm.jump("destination");

  asm.label("ipv6");
  passUnlessFits(ETHERNET_SIZE + IPV6_SIZE + UDP_SIZE);
  asm.load(8, A, FRAME, ETHERNET_SIZE).alu("rightShift", A, 4);
  passIf(A, "!=", IPV6_VERSION);
  asm.load(8, A, FRAME, ETHERNET_SIZE + IPV6_NEXT_HEADER);
  passIf(A, "!=", PROTOCOL_UDP);
  asm.load(8, A, FRAME, ETHERNET_SIZE + IPV6_SOURCE);
  passIf(A, "==", 0);
  passIf(A, "==", IPV6_MULTICAST);
  loadNumber(B, ETHERNET_SIZE + IPV6_LENGTH);
  checkUdp(ETHERNET_SIZE + IPV6_SIZE);
  copyAddress(IPV6_SOURCE);
  findAddress();
  passIf(RESULT, "!=", 0);
  // The map has IPv4 addresses as ::ffff:a.b.c.d. A packet of IPv6 to such an address is not ours.
  asm.load(8, A, FRAME, ETHERNET_SIZE + IPV6_DESTINATION);
  passIf(A, "==", 0);
  copyAddress(IPV6_DESTINATION);

  asm.label("destination");
  passUnlessOurs();
  asm.loadMap(first, sockets).load(32, second, CONTEXT, QUEUE).alu("move", third, XDP_PASS).call(REDIRECT_MAP).exit();
  asm.label("pass").alu("move", RESULT, XDP_PASS).exit();
  return asm.assemble();
}
