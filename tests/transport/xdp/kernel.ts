/** What the kernel's network stack counts. */
import { readFileSync } from "node:fs";

/** Packets of IPv4 and IPv6 that the kernel received in the network namespace of this process. */
export function packetsOfKernel(): number {
  const [names, values] = [...readFileSync("/proc/net/snmp", "latin1").matchAll(/^Ip: (.*)$/gm)].map(([, list]) =>
    list!.split(" "),
  );
  const v6 = /^Ip6InReceives\s+(\d+)/m.exec(readFileSync("/proc/net/snmp6", "latin1"))?.[1];
  return Number(values![names!.indexOf("InReceives")]) + Number(v6);
}
