/** Three hosts in a row: two that reach each other only through the third, which routes. */
import { Host } from "../netns.ts";

/** Addresses of the router: one in the network of each of the others. */
export const ROUTER = { a: "10.9.1.1", b: "10.9.2.1" } as const;

/**
 * A router with a cable to each of `a` and `b`, which are in networks of their own: 10.9.1.0/24 and 10.9.2.0/24. Unicast passes the
 * router, broadcast and multicast do not.
 */
export class RoutedHosts implements AsyncDisposable {
  readonly router: Host;
  readonly a: Host;
  readonly b: Host;

  private constructor(router: Host, a: Host, b: Host) {
    [this.router, this.a, this.b] = [router, a, b];
  }

  static async create(): Promise<RoutedHosts> {
    const [router, a, b] = await Promise.all([Host.create(), Host.create(), Host.create()]);
    const hosts = new RoutedHosts(router, a, b);
    router.cable("to-a", a, "eth0");
    router.cable("to-b", b, "eth0");
    router.run(`ip addr add ${ROUTER.a}/24 dev to-a; ip link set to-a up; ip addr add ${ROUTER.b}/24 dev to-b
      ip link set to-b up; echo 1 > /proc/sys/net/ipv4/ip_forward`);
    for (const name of ["a", "b"] as const) hosts[name].run("ip link set eth0 up");
    await Promise.all([router.linked("to-a"), router.linked("to-b"), a.linked("eth0"), b.linked("eth0")]);
    hosts.move("a", 2);
    hosts.move("b", 2);
    return hosts;
  }

  /** Gives a host another address in its network; its old one is gone. @returns the new address */
  move(name: "a" | "b", last: number): string {
    const address = ROUTER[name].replace(/\d+$/, `${last}`);
    this[name].run(
      `ip -4 addr flush dev eth0; ip addr add ${address}/24 dev eth0; ip route add default via ${ROUTER[name]}`,
    );
    return address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.router, this.a, this.b].map((host) => host[Symbol.asyncDispose]()));
  }
}
