/** What a client leaves behind in its process. Each test starts a process, which has the runtime's own sockets. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const CLIENT = JSON.stringify(new URL("../../src/client/index.ts", import.meta.url).pathname);

/** A server that never replies. */
async function silentServer() {
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1" });
  return { port: socket.port, [Symbol.dispose]: () => socket.close() };
}

test("lookups without replies leave no descriptor, timer or memory behind: 10,000 of them (the original kept a socket each)", async () => {
  using silent = await silentServer();
  const script = new URL("./unanswered-lookups.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, `${silent.port}`], { stdout: "pipe", stderr: "inherit" });
  const { descriptors, growth } = JSON.parse(await child.stdout.text());
  // It ended by itself: nothing kept it running after close().
  expect(await child.exited).toBe(0);
  expect(descriptors.after).toBe(descriptors.before);
  expect(descriptors.during - descriptors.before).toBeLessThanOrEqual(1);
  expect(growth).toBeLessThan(16e6);
});

test("a closed discoverer does not keep its process running", async () => {
  const script = `
    const { Discoverer } = await import(${CLIENT});
    const discoverer = await Discoverer.start({ lan: false, servers: ["127.0.0.1:9"], nodeId: "ME", port: 1 });
    discoverer.lookup("A").catch(() => {});
    await Bun.sleep(20);
    await discoverer.close();
    const closed = performance.now();
    process.on("exit", () => console.log(performance.now() - closed));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  // A lookup would wait for 5 s.
  expect(Number(await child.stdout.text())).toBeLessThan(3_000);
  expect(await child.stderr.text()).toBe("");
});

test("a timeout above the maximum of setTimeout causes no warning on the console", async () => {
  using silent = await silentServer();
  const script = `
    const { Discoverer } = await import(${CLIENT});
    const discoverer = await Discoverer.start({ lan: false, servers: ["127.0.0.1:${silent.port}"] });
    discoverer.lookup("A", { timeout: 2 ** 40 }).catch(() => {});
    await Bun.sleep(50);
    await discoverer.close();`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  expect((await child.stdout.text()) + (await child.stderr.text())).toBe("");
});
