/** Two real Syncthings in networks of their own find each other through our server, and through nothing else. */
import { describe, expect } from "bun:test";
import { deviceNodeId, parseDeviceId } from "../../../src/syncthing/device-id.ts";
import { run } from "../../support/command.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import {
  Discovery,
  type DiscoverySubject,
  hasNginx,
  NEEDS_NGINX,
  STDISCOSRV,
  WHEREABOUTS,
} from "../../support/syncthing/discovery.ts";
import { ROUTER, RoutedHosts } from "../../support/syncthing/routed.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../../support/syncthing/stdiscosrv.ts";
import { hasSyncthing, NEEDS_SYNCTHING, Syncthing } from "../../support/syncthing/syncthing.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

const needed = [
  [hasNetns, NEEDS_NETNS],
  [hasSyncthing, NEEDS_SYNCTHING],
  [hasStdiscosrv, NEEDS_STDISCOSRV],
  [hasNginx, NEEDS_NGINX],
] as const;
const missing = needed.filter(([there]) => !there).map(([, reason]) => reason);
const peersTest = testIf(missing.length === 0, missing.join("; "));

/** Two devices that know of each other only the device ID, and a discovery server. The devices do not run yet. */
class Scene implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly hosts: RoutedHosts;
  readonly server: Discovery;
  readonly a: Syncthing;
  readonly b: Syncthing;

  private constructor(stack: AsyncDisposableStack, hosts: RoutedHosts, server: Discovery, [a, b]: Syncthing[]) {
    this.#stack = stack;
    this.hosts = hosts;
    this.server = server;
    this.a = a!;
    this.b = b!;
  }

  static async create(subject: DiscoverySubject, options?: { behindNginx: boolean }): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const hosts = stack.use(await RoutedHosts.create());
    const server = stack.use(await Discovery.start(hosts.router, subject, options));
    const devices = [hosts.a, hosts.b].map((host) => stack.use(new Syncthing(host)));
    return new Scene(stack.move(), hosts, server, devices);
  }

  /** Starts device A and waits until it has announced itself. */
  async announceA(): Promise<void> {
    await this.a.start({ discovery: this.server.url(ROUTER.a), peer: this.b.deviceId });
    await this.a.announced();
  }

  async announceB(): Promise<void> {
    await this.b.start({ discovery: this.server.url(ROUTER.b), peer: this.a.deviceId });
    await this.b.announced();
  }

  /** What the command `lookup` prints where device B is. */
  async lookUp(ids: readonly string[], server: string): Promise<unknown[]> {
    const by = this.hosts.b.command([]);
    const { out, err, code } = await run(["lookup", ...ids, "--server", server, "--json"], "", { by });
    expect(code, err).toBe(0);
    const found = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    return ids.map((id) => found.find(({ deviceId, nodeId }) => deviceId === id || nodeId === id));
  }

  /** Starts device B and waits until it has found and dialed A at `address`, and A has accepted. */
  async findFromB(address: string): Promise<void> {
    await this.b.start({ discovery: this.server.url(ROUTER.b), peer: this.a.deviceId });
    // TCP or QUIC.
    expect(await this.b.connectionTo(this.a.deviceId)).toMatchObject({
      type: expect.stringMatching(/-client$/),
      address: `${address}:22000`,
    });
    expect(await this.a.connectionTo(this.b.deviceId)).toMatchObject({
      type: expect.stringMatching(/-server$/),
      address: expect.stringMatching(/^10\.9\.2\.2:/),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

describe("two Syncthings", () => {
  peersTest(
    "find each other through the server, and our client finds them by both protocols",
    async () => {
      await using scene = await Scene.create(WHEREABOUTS);
      await scene.announceA();
      await scene.findFromB("10.9.1.2");
      const addresses = ["quic://10.9.1.2:22000", "tcp://10.9.1.2:22000"];
      expect((await scene.b.discovered(scene.a.deviceId)).toSorted()).toEqual(addresses);
      // The commands, over HTTPS and by the original protocol.
      const { deviceId } = scene.a;
      const nodeId = deviceNodeId(parseDeviceId(deviceId));
      const [device] = await scene.lookUp([deviceId], scene.server.url(ROUTER.b));
      expect(device).toMatchObject({ deviceId, found: true, addresses: expect.arrayContaining(addresses) });
      const [node] = await scene.lookUp([nodeId], ROUTER.b);
      expect(node).toMatchObject({ nodeId, found: true, ip: "10.9.1.2", port: 22000 });
    },
    TEST_LIMIT_MS,
  );

  peersTest(
    "are found by our client through the original server",
    async () => {
      await using scene = await Scene.create(STDISCOSRV);
      await Promise.all([scene.announceA(), scene.announceB()]);
      const [a, b] = await scene.lookUp([scene.a.deviceId, scene.b.deviceId], scene.server.url(ROUTER.b));
      expect(a).toMatchObject({ found: true, addresses: expect.arrayContaining(["tcp://10.9.1.2:22000"]) });
      expect(b).toMatchObject({ found: true, addresses: expect.arrayContaining(["tcp://10.9.2.2:22000"]) });
    },
    TEST_LIMIT_MS,
  );

  peersTest(
    "find each other through the server behind nginx",
    async () => {
      await using scene = await Scene.create(WHEREABOUTS, { behindNginx: true });
      await scene.announceA();
      await scene.findFromB("10.9.1.2");
    },
    TEST_LIMIT_MS,
  );

  peersTest(
    "find each other without a new announcement after the server was killed and started again",
    async () => {
      await using scene = await Scene.create(WHEREABOUTS);
      await scene.announceA();
      await scene.server.journaled();
      await scene.server.kill();
      await scene.server.run();
      await scene.findFromB("10.9.1.2");
    },
    TEST_LIMIT_MS,
  );

  peersTest(
    "find each other after one of them got another address",
    async () => {
      await using scene = await Scene.create(WHEREABOUTS);
      await scene.announceA();
      await scene.a.stop();
      const address = scene.hosts.move("a", 3);
      await scene.announceA();
      await scene.findFromB(address);
      // The server keeps the old address for two hours: it cannot know that it is gone.
      const found = await scene.b.discovered(scene.a.deviceId);
      expect(found).toContain("tcp://10.9.1.3:22000");
      expect(found).toContain("tcp://10.9.1.2:22000");
    },
    TEST_LIMIT_MS,
  );
});
