/** Texts for errors of the kernel: what is wrong, and what to do about it. */
import { missingCapabilities } from "./capabilities.ts";

const NO_INTERFACE = 'there is no such interface: "ip link" lists those of this host';

/** The error if there is no interface of that name. */
export function noInterface(): Error {
  return Object.assign(new Error(NO_INTERFACE), { code: "ENODEV" });
}

/** The error if an interface has no Ethernet frames. */
export function notEthernet(): Error {
  return new Error("it is not an Ethernet interface: name that of the network card, not one such as lo, tun0 or wg0");
}

/** The error if no packet to the interface can be for the server. */
export function noAddress(): Error {
  return new Error(
    "it has no address that the server listens on: give it one, or if it is part of a bridge or bond, name that",
  );
}

/** One line for people, for an error of the kernel. */
export function xdpReason(error: unknown): string {
  const { code, syscall = "", message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EPERM":
    case "EACCES":
      return notPermitted(message);
    case "EBUSY":
    case "EEXIST":
      return syscall.startsWith("bind")
        ? "another program has an AF_XDP socket on it: end that program"
        : 'another XDP program is attached to the interface ("ip -d link" shows it): remove it, or end the server that uses it';
    case "ENOBUFS":
      return "the process may not lock so much memory: raise its limit (ulimit -l, LimitMEMLOCK= of systemd), or take a smaller --receive-buffer";
    case "ENOMEM":
      return syscall.startsWith("bpf")
        ? "the kernel has not enough memory for the program"
        : "the kernel has not enough memory for it: take a smaller --receive-buffer";
    case "EMFILE":
      return "too many files are open: raise the limit with ulimit -n";
    case "E2BIG":
      return "this host has too many addresses for it";
    case "ENODEV":
      return NO_INTERFACE;
    case "EAFNOSUPPORT":
    case "ENOSYS":
      return "the kernel has no AF_XDP";
    default:
      if (code === "EINVAL" && syscall.includes("MAP_CREATE")) return "the kernel has no AF_XDP";
      return syscall.includes("LINK_CREATE")
        ? `the kernel cannot attach the program to it (${code}): perhaps it is older than Linux 5.9`
        : message;
  }
}

/** @param message - what the kernel says about the program, if that is what it refuses */
function notPermitted(message: string): string {
  const { needed, missing } = missingCapabilities();
  if (missing.length > 0) return `the server has no ${list(missing)}: it needs ${list(needed)} (docs/xdp.md)`;
  return `${message}: perhaps a system call filter, a security module or a user namespace forbids it (docs/xdp.md)`;
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** Whether an error may pass within a second: after the end of a process, the kernel takes a moment to free its queues and memory. */
export function passesSoon(error: unknown): boolean {
  return ["EBUSY", "ENOBUFS"].includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}
