import { expect } from "bun:test";
import { testIf } from "../../../support/needs.ts";
import { hasOpenssl, NEEDS_OPENSSL } from "../certificates.ts";
import { sendHttp1 } from "../requests.ts";
import { TlsSite } from "./site.ts";

testIf(hasOpenssl, NEEDS_OPENSSL)(
  "a client of TLS 1.2 that wants to shake hands again is refused, and others are served",
  async () => {
    await using site = await TlsSite.open();
    const connect = ["-connect", `127.0.0.1:${site.listener.port}`, "-tls1_2"];
    const client = Bun.spawn(["openssl", "s_client", ...connect], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    // The line R asks for another handshake. It counts only after the first one.
    let out = "";
    for await (const chunk of client.stdout) {
      out += new TextDecoder().decode(chunk);
      if (!out.includes("Verify return code")) continue;
      client.stdin.write("R\n");
      client.stdin.end();
      break;
    }
    expect(await client.stderr.text()).toContain("no renegotiation");
    await client.exited;
    expect(await sendHttp1(`${site.url}/ping`)).toMatchObject({ status: 204 });
  },
);
