/** Two real Syncthings in networks of their own find each other through our server, and through nothing else. */
import { describe, expect } from "bun:test";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../../support/netns.ts";
import {
  Discovery,
  type DiscoverySubject,
  hasNginx,
  NEEDS_NGINX,
  WHEREABOUTS,
} from "../../support/syncthing/discovery.ts";
import { ROUTER, RoutedHosts } from "../../support/syncthing/routed.ts";
import { hasSyncthing, NEEDS_SYNCTHING, Syncthing } from "../../support/syncthing/syncthing.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

const needed = [
  [hasNetns, NEEDS_NETNS],
  [hasSyncthing, NEEDS_SYNCTHING],
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
    "find each other through the server",
    async () => {
      await using scene = await Scene.create(WHEREABOUTS);
      await scene.announceA();
      await scene.findFromB("10.9.1.2");
      const found = await scene.b.discovered(scene.a.deviceId);
      expect(found.toSorted()).toEqual(["quic://10.9.1.2:22000", "tcp://10.9.1.2:22000"]);
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
