import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { LogRecord } from "@logtape/logtape";
import { Client } from "../../support/client.ts";
import { Member } from "../../support/cluster.ts";
import { OutputLines, type Running, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { dropLogs, keepLogs, startWithLog, textOf } from "../../support/server-log.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

beforeAll(keepLogs);
afterAll(dropLogs);

const SERVER = ["server", "--host", "127.0.0.1", "--port", "0", "--capacity", "1000"];
const PASSWORD = "hush%/ü";
const WRONG = "mistaken";

interface Server extends AsyncDisposable {
  readonly printed: OutputLines;
  readonly client: Client;
  /** Stops it; resolves with all lines of its log. */
  stop(): Promise<string[]>;
  lines(kind: "WRN" | "INF"): string[];
}

async function serve(journal: string, env: Record<string, string> = {}): Promise<Server> {
  // By a variable, as users should: other users can read command lines.
  const child: Running = start(SERVER, { env: { WHEREABOUTS_JOURNAL: journal, ...env } });
  const printed = new OutputLines(child.stdout);
  const port = Number(/udp 127\.0\.0\.1:(\d+)/.exec(await printed.next(/listens on/))![1]);
  const client = await Client.open(port);
  return {
    printed,
    client,
    lines: (kind) => printed.lines.filter((line) => line.includes(`[${kind}] whereabouts·journal`)),
    async stop() {
      child.kill();
      expect(await child.exited).toBe(0);
      expect(await child.stderr.text()).toBe("");
      await printed.end;
      return printed.lines;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function checkServes({ client }: { readonly client: Client }): Promise<void> {
  client.send(announcement(ascii("A"), 7));
  expect(await client.ask(query(ascii("A")))).toEqual(announcement(ascii("A"), 7, Uint8Array.of(127, 0, 0, 1)));
}

describe.concurrent("a Redis that cannot be used", () => {
  testIf(hasRedis, NEEDS_REDIS)(
    "is one warning with the reason and without the password, and the server serves",
    async () => {
      await using locked = await Redis.start({ args: ["--requirepass", PASSWORD] });
      await using open = await Redis.start();
      await open.ask("SET", "whereabouts:journal", "something else");
      const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
      const cases: [journal: string, why: string][] = [
        [locked.url, "it demands a password"],
        [locked.url.replace("//", `//:${WRONG}@`), "it does not accept this user and password"],
        [locked.url.replace("//", `//nobody:${WRONG}@`), "it does not accept this user and password"],
        [
          `redis://:${WRONG}@127.0.0.1:1`,
          "connection refused; check that Redis runs there, and the host and port in --journal",
        ],
        [
          `redis://:${WRONG}@no.such.host.invalid`,
          "the host name cannot be resolved; check the host in --journal, and the name server",
        ],
        [
          `redis://:${WRONG}@127.0.0.1:${web.port}`,
          "something else than Redis answers there; check the host and port in --journal",
        ],
        ["redis+unix:///nowhere/redis.sock", "the socket file does not exist; check the path in --journal"],
        [open.url, "the key of the journal holds other data: set another --journal-prefix"],
        [`${open.url}/99`, "DB index is out of range"],
      ];
      await Promise.all(
        cases.map(async ([journal, why]) => {
          const log: LogRecord[] = [];
          await using member = await startWithLog(log, () => Member.start(journal, { capacity: 1000 }));
          await checkServes(member);
          await Bun.sleep(1500);
          const ofJournal = ({ category, level }: LogRecord) => category.at(-1) === "journal" && level === "warning";
          const warnings = log.filter(ofJournal).map(textOf);
          expect(warnings[0]).toEndWith(`: ${why}; the server keeps running and retries`);
          expect(warnings[1]).toContain("the server starts without the journal");
          expect(warnings).toHaveLength(2);
          expect(Bun.inspect(log, { depth: 10 })).not.toContain(WRONG);
          const { where, errors } = member.server.stats().journal;
          expect(where).not.toContain(WRONG);
          expect(errors).toBeGreaterThan(0);
        }),
      );
      web.stop(true);
    },
    TEST_LIMIT_MS,
  );
});

describe.concurrent("the log of a server with Redis", () => {
  testIf(hasRedis, NEEDS_REDIS)(
    "has two warnings when Redis stops and one line when it is back, and never a password",
    async () => {
      await using redis = await Redis.start({ args: ["--requirepass", PASSWORD] });
      await using server = await serve(redis.url.replace("//", `//:${encodeURIComponent(PASSWORD)}@`));
      await checkServes(server);
      await redis.kill();
      await Bun.sleep(1500);
      await checkServes(server);
      await redis.run();
      await server.printed.next(/Redis is connected again, after \d+\.\d s/);
      await Bun.sleep(300);
      const warnings = server.lines("WRN");
      expect(warnings.length).toBeWithin(2, 4);
      const log = (await server.stop()).join("\n");
      expect(log).toContain("connection refused");
      for (const written of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(log).not.toContain(written);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasRedis, NEEDS_REDIS)(
    "says that Redis does not answer if it hangs, not that it closed the connection",
    async () => {
      await using redis = await Redis.start();
      await using server = await serve(redis.url);
      await redis.ask("CLIENT", "PAUSE", "20000");
      await server.printed.next(/did not answer for 10 s; the server keeps running/);
      await checkServes(server);
      for (const line of server.lines("WRN")) expect(line).not.toContain("closed the connection");
      await server.stop();
    },
    TEST_LIMIT_MS,
  );

  testIf(hasRedis, NEEDS_REDIS)(
    "has one warning if Redis loses data again and again, but every loss is counted",
    async () => {
      await using redis = await Redis.start();
      await using server = await serve(redis.url);
      await checkServes(server);
      const evicting = setInterval(() => redis.ask("DEL", "whereabouts:journal").catch(() => {}), 500);
      await server.printed.next(/has lost entries of whereabouts:journal: all announcements are appended again/);
      await Bun.sleep(6500);
      clearInterval(evicting);
      expect(server.lines("WRN").filter((line) => line.includes("has lost"))).toHaveLength(1);
      expect(server.lines("INF").filter((line) => line.includes("Redis has all announcements again"))).toHaveLength(1);
      expect((await server.stop()).at(-1)).toMatch(/journal: .*\b[2-9] errors/);
    },
    TEST_LIMIT_MS,
  );

  testIf(hasRedis, NEEDS_REDIS)(
    "has one warning if Redis is out of memory, and one line when it accepts announcements again",
    async () => {
      await using redis = await Redis.start();
      await using server = await serve(redis.url);
      await redis.ask("CONFIG", "SET", "maxmemory", "1");
      await checkServes(server);
      await server.printed.next(/it is out of memory \(maxmemory\); the server keeps running/);
      await Bun.sleep(1000);
      expect(server.lines("WRN")).toHaveLength(1);
      await redis.ask("CONFIG", "SET", "maxmemory", "0");
      await server.printed.next(/announcements are appended to the journal again/);
      expect((await server.stop()).at(-1)).toContain("journal: 1 appended");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasRedis, NEEDS_REDIS)(
    "names the prefix, even one with braces",
    async () => {
      await using redis = await Redis.start();
      await using server = await serve(redis.url, { WHEREABOUTS_JOURNAL_PREFIX: "{wb}" });
      const log = (await server.stop()).join("\n");
      expect(log).toContain("(prefix {wb})");
    },
    TEST_LIMIT_MS,
  );

  testIf(hasRedis && Bun.which("openssl") !== null, `${NEEDS_REDIS} and openssl`)(
    "says why TLS failed if the certificate is not trusted",
    async () => {
      using folder = new Folder();
      const [key, certificate] = [folder.at("key.pem"), folder.at("cert.pem")];
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
      const made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject];
      expect(Bun.spawnSync([...made, "-keyout", key, "-out", certificate], { stderr: "ignore" }).exitCode).toBe(0);
      const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
      await using redis = await Redis.start({ args: ["--tls-auth-clients", "no", ...files], tls: true });
      await using server = await serve(redis.url, { NODE_EXTRA_CA_CERTS: certificate });
      await checkServes(server);
      await Bun.sleep(600);
      expect((await server.stop()).at(-1)).toContain("journal: 1 appended");
      await using careful = await serve(redis.url);
      expect(careful.lines("WRN")[0]).toContain("TLS failed: self signed certificate");
    },
    TEST_LIMIT_MS,
  );

  test("has one warning if Redis is too old to trim by time", async () => {
    const old = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket) =>
          void socket.write(
            "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.0.16\r\n$5\r\nproto\r\n:3\r\n",
          ),
      },
    });
    await using server = await serve(`redis://127.0.0.1:${old.port}`);
    expect(server.lines("WRN")[0]).toContain("is version 6.0.16: 6.2 or later is required");
    await server.stop();
    old.stop(true);
  });
});
