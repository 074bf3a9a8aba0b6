import { describe, expect } from "bun:test";
import { testIf } from "../support/needs.ts";

const script = new URL("./without-ipv6.ts", import.meta.url).pathname;

describe.each(["mmsg", "udp"])("on a kernel without IPv6, transport %s", (transport) => {
  testIf(process.platform === "linux", "needs Linux")(
    "serves IPv4 by default, with one warning, but does not if :: was asked for",
    async () => {
      const child = Bun.spawn([process.execPath, script, transport], { stdout: "pipe", stderr: "inherit" });
      expect(JSON.parse(await child.stdout.text())).toEqual({
        addresses: ["0.0.0.0"],
        answered: true,
        warnings: ["this host has no IPv6, so only IPv4 is served: listens on 0.0.0.0 instead of ::"],
        command: "0.0.0.0",
        asked: "cannot listen on [::]:0: this host has no IPv6 (listen on 0.0.0.0 instead)",
      });
    },
  );
});
