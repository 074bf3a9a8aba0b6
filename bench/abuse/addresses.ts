/** Addresses that the programs in the namespaces of `bench:abuse` share. network.ts sets them up. */

export const SERVER = { v4: "10.10.0.1", v6: "fd10::1" } as const;
export type Family = keyof typeof SERVER;

/** An address that replies go to; clients announce from it, too. Its own traffic is not read by anybody. */
export const NAT_ADDRESS = "10.50.0.1";

/** The attacker's interface. */
export const ATTACKER_INTERFACE = "attacker1";
/** The server's end of the attacker's cable. */
export const SERVER_MAC = "02:00:00:00:00:01";
