// Texts of system errors, as Bun and as Node word them.
import { expect, test } from "bun:test";
import { errorText } from "../../src/cli/errors.ts";
import { DiscoveryError } from "../../src/client/index.ts";

test.each([
  ["ENOTFOUND", "getaddrinfo ENOTFOUND nowhere.example", "the name is unknown"],
  ["EAI_AGAIN", "getaddrinfo EAI_AGAIN nowhere.example", "the name server does not answer"],
  ["DNS_ENOTFOUND", "getaddrinfo ENOTFOUND", "the name is unknown"],
  ["ECONNREFUSED", "recvmsg ECONNREFUSED", "nothing listens on that port"],
  [
    "ENETUNREACH",
    "connect ENETUNREACH 2001:db8::1:22025 - Local (undefined:undefined)",
    "there is no route to that network",
  ],
  ["ENETUNREACH", "send ENETUNREACH 192.0.2.1:22025", "there is no route to that network"],
  ["EHOSTUNREACH", "recvmsg EHOSTUNREACH", "the host cannot be reached"],
  ["EPERM", "send EPERM 192.0.2.1:22025", "not permitted (a firewall may block it)"],
  ["EACCES", "bind EACCES 0.0.0.0:25", "permission denied"],
  ["EADDRINUSE", "bind EADDRINUSE 0.0.0.0:21025", "address already in use"],
  ["EADDRINUSE", "bind EADDRINUSE 0.0.0.0", "address already in use"],
  ["ENODEV", "addMembership ENODEV", "no such device"],
  ["EINVAL", "EINVAL: invalid argument, send", "invalid argument"],
])("%s is told in words, without the system call and the address after it: %s", (code, message, text) => {
  const error = new DiscoveryError("192.0.2.1:4000", message, { code });
  expect(errorText(error)).toBe(`192.0.2.1:4000: ${text}`);
});

test("a code in parentheses is left out: the words before it explain it", () => {
  const message = "127.0.0.1:1: no server listens there (ECONNREFUSED); x: the name does not resolve (ENOTFOUND)";
  expect(errorText(new DiscoveryError("no server", message, { code: "ENOTFOUND" }))).toBe(
    "no server: 127.0.0.1:1: no server listens there; x: the name does not resolve",
  );
});

test("a text that has no system error in it stays as it is, in one line", () => {
  const message = "UDP port 21025 (IPv4) is in use by another program\nthat does not share it";
  expect(errorText(new DiscoveryError("lan", message, { code: "EADDRINUSE" }))).toBe(
    `lan: ${message.replace("\n", "\\u{a}")}`,
  );
});
