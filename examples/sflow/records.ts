/** The records of samples as text. Each has a format of its own, so that a reader can skip those that it does not know. */
import { ipAddress, mac, portsOf, readFrame, readIpv4, readIpv6 } from "./frame.ts";
import * as sflow from "./generated/sflow.ts";

/** A generated type. */
interface Decoder<T> {
  tryDecode(bytes: Uint8Array, options: sflow.DecodeOptions): sflow.DecodeResult<T>;
}

/**
 * How samples and records are decoded: InMon's agent pads with bytes that are not zero, and a later version of a structure
 * may have more fields at its end.
 */
export const LENIENT = { padding: "ignore", allowTrailing: true } as const;

/** The text of a record, or what is wrong with its data. */
type RecordText = (data: Uint8Array) => sflow.DecodeResult<string>;

function textOf<T>(type: Decoder<T>, show: (value: T) => string): RecordText {
  return (data) => {
    const result = type.tryDecode(data, LENIENT);
    return result.ok ? { ok: true, value: show(result.value) } : result;
  };
}

/** The records of flow samples, by `flow_format`. */
export const FLOW_RECORDS: { readonly [format: number]: RecordText } = {
  1: textOf(sflow.sampled_header, ({ protocol, frame_length, header }) => {
    return `${frame_length} bytes, ${showHeader(protocol, header)}`;
  }),
  2: textOf(sflow.sampled_ethernet, ({ length, src_mac, dst_mac, type }) => {
    return `${length} bytes, ${mac(src_mac)} > ${mac(dst_mac)}, type 0x${hex(type)}`;
  }),
  3: textOf(sflow.sampled_ipv4, showIp),
  4: textOf(sflow.sampled_ipv6, showIp),
  1001: textOf(sflow.extended_switch, ({ src_vlan, dst_vlan }) => `vlan ${src_vlan} > ${dst_vlan}`),
  1002: textOf(sflow.extended_router, ({ nexthop, src_mask_len, dst_mask_len }) => {
    return `next hop ${showAddress(nexthop)}, prefixes /${src_mask_len} > /${dst_mask_len}`;
  }),
  1003: textOf(sflow.extended_gateway, ({ nexthop, src_as, dst_as_path }) => {
    const path = dst_as_path.map((part) =>
      part.type === sflow.as_path_segment_type.AS_SET ? `{${part.as_set.join(" ")}}` : part.as_sequence.join(" "),
    );
    return `BGP next hop ${showAddress(nexthop)}, AS ${src_as} > ${path.join(" ")}`;
  }),
  1004: textOf(sflow.extended_user, ({ src_user, dst_user }) => `user ${showText(src_user)} > ${showText(dst_user)}`),
};

/** The records of counters samples, by `counter_format`. */
export const COUNTER_RECORDS: { readonly [format: number]: RecordText } = {
  1: textOf(sflow.if_counters, (c) => {
    const state = c.ifStatus & 2 ? "up" : c.ifStatus & 1 ? "down" : "off";
    const [into, out] = [
      [c.ifInOctets, c.ifInUcastPkts, c.ifInMulticastPkts, c.ifInBroadcastPkts, c.ifInDiscards, c.ifInErrors] as const,
      [
        c.ifOutOctets,
        c.ifOutUcastPkts,
        c.ifOutMulticastPkts,
        c.ifOutBroadcastPkts,
        c.ifOutDiscards,
        c.ifOutErrors,
      ] as const,
    ].map(([octets, unicast, multicast, broadcast, discards, errors]) => {
      const packets = [unicast, multicast, broadcast].map(counter).join("/");
      return `${counter(octets)} bytes, ${packets} packets, ${counter(discards)} discards, ${counter(errors)} errors`;
    });
    return `interface ${c.ifIndex} ${state}, ${c.ifSpeed} bit/s, in: ${into}, out: ${out}`;
  }),
  2: textOf(sflow.ethernet_counters, (c) => {
    const late = counter(c.dot3StatsLateCollisions);
    return `ethernet: ${counter(c.dot3StatsFCSErrors)} bad checksums, ${late} late collisions`;
  }),
  5: textOf(
    sflow.vlan_counters,
    (c) => `vlan ${c.vlan_id}: ${counter(c.octets)} bytes, ${counter(c.discards)} discards`,
  ),
  1001: textOf(sflow.processor, ({ cpu_5s, cpu_1m, cpu_5m, total_memory, free_memory }) => {
    const loads = [cpu_5s, cpu_1m, cpu_5m].map((load) => (load === 0xffff_ffff ? "-" : load / 100));
    return `processor: ${loads.join("/")} %, ${counter(free_memory)} of ${counter(total_memory)} bytes free`;
  }),
};

/** A format with the number of its enterprise, as in `4413:1`. */
export function showFormat(format: number): string {
  return `${format >>> 12}:${format & 0xfff}`;
}

export function showAddress(address: sflow.address): string {
  switch (address.type) {
    case sflow.address_type.IP_V4:
      return ipAddress(address.ip_v4);
    case sflow.address_type.IP_V6:
      return ipAddress(address.ip_v6);
    case sflow.address_type.UNKNOWN:
      return "unknown";
  }
}

function showHeader(protocol: number, header: Uint8Array): string {
  const { header_protocol } = sflow;
  if (protocol === header_protocol.IPv4) return showPacket(readIpv4(header));
  if (protocol === header_protocol.IPv6) return showPacket(readIpv6(header));
  if (protocol !== header_protocol.ETHERNET_ISO88023) return `header protocol ${protocol}`;
  const frame = readFrame(header);
  if (frame === undefined) return "header cut off";
  const tag = frame.vlan === undefined ? "" : `, tag ${frame.vlan}`;
  return `${frame.source} > ${frame.destination}${tag}, ${frame.ip ? showPacket(frame.ip) : `type 0x${hex(frame.etherType)}`}`;
}

function showPacket(ip: ReturnType<typeof readIpv4>): string {
  if (ip === undefined) return "IP header cut off";
  const [from, to] = portsOf(ip) ?? [0, 0];
  return showEnds(ip.source, from, ip.destination, to, ip.protocol);
}

function showIp(ip: Omit<sflow.sampled_ipv4, "tos">): string {
  const { length, src_ip, src_port, dst_ip, dst_port, protocol } = ip;
  return `${length} bytes, ${showEnds(ipAddress(src_ip), src_port, ipAddress(dst_ip), dst_port, protocol)}`;
}

const PROTOCOLS: { readonly [protocol: number]: string } = { 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };

/** @param from - the source port, 0 if there is none */
function showEnds(source: string, from: number, destination: string, to: number, protocol: number): string {
  const end = (address: string, port: number) =>
    port === 0 ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return `${end(source, from)} > ${end(destination, to)} ${PROTOCOLS[protocol] ?? `protocol ${protocol}`}`;
}

/** A counter that an agent does not have is at its maximum. */
function counter(value: number | bigint): string {
  return value === 0xffff_ffff || value === 0xffff_ffff_ffff_ffffn ? "-" : `${value}`;
}

/** The charset is nearly always UTF-8. JSON keeps control characters out of the terminal. */
function showText(bytes: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(bytes));
}

function hex(value: number): string {
  return value.toString(16).padStart(4, "0");
}
