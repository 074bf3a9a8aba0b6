// The live page in Chromium: with made-up replies of the API, and with a running server under load.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { version } from "../../package.json";
import { AdminServer, type LimitedKey, type ProblemReply, type StatsReply } from "../../src/admin/index.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { until } from "../support/time-limits.ts";
import { COLOR_RULES, type OpenPage, PageBrowser } from "./page/browser.ts";
import { madeUpEvent, madeUpHistory, madeUpHttps, madeUpStats } from "./page/made-up.ts";
import { StubAdmin } from "./page/stub.ts";

const START = Date.parse(madeUpStats(0).startedAt);
const iso = (uptime: number) => new Date(START + uptime * 1000).toISOString();
const PHONE = { viewport: { width: 360, height: 740 } };

const PROBLEMS: ProblemReply[] = [
  {
    code: "registry-full",
    severity: "error",
    text: "the registry is full: 1000000 of 1000000 nodes; raise --capacity",
    since: iso(3480),
  },
  {
    code: "journal-late",
    severity: "error",
    text: "the journal redis://valkey.example:6379 takes nothing for 74 s: start it again",
    since: iso(3526),
  },
  { code: "limits", severity: "warning", text: "4 sources are over a limit", since: iso(3590) },
];

const EVIL = 'evil\u202e\u0007<img src="https://evil.example/x">';

const LIMITED: LimitedKey[] = [
  {
    ...{ kind: "source", network: "198.51.100.23/32", nodeId: null, limit: "queries", flag: "--source-rate" },
    ...{ stopped: 184_223, rate: 3071, since: iso(3400), dryRun: false },
  },
  {
    ...{ kind: "network", network: "203.0.113.0/24", nodeId: null, limit: "new", flag: "--new-rate" },
    ...{ stopped: 5210, rate: 88, since: iso(1000), dryRun: false },
  },
  {
    ...{ kind: "node", network: null, nodeId: { text: null, hex: "caff" }, limit: "node", flag: "--node-rate" },
    ...{ stopped: 920, rate: 16, since: iso(3590), dryRun: false },
  },
  {
    ...{ kind: "source", network: "2001:db8:7:1::/64", nodeId: { text: EVIL, hex: "65" }, limit: "node" },
    ...{ flag: "--node-rate", stopped: 12, rate: 0.4, since: iso(3599), dryRun: true },
  },
];

/** As long as they can be, with and without a place to break a line. */
const LONG: LimitedKey[] = [
  ...LIMITED,
  {
    ...{ kind: "network", network: "2001:db8:ffff:eeee::/64", nodeId: null, limit: "announcements" },
    ...{ flag: "--source-rate", stopped: 1_234_567_890, rate: 20_576_131, since: iso(-8e6), dryRun: true },
  },
  ...["n".repeat(300), "a node/".repeat(40), null].map(
    (text, i): LimitedKey => ({
      ...(i === 1 ? { kind: "node", network: null } : { kind: "source", network: "2001:db8:7:1::/64" }),
      ...{ nodeId: { text, hex: "ca".repeat(300) }, limit: "node", flag: "--node-rate" },
      ...{ stopped: 12_345_678, rate: 205_761, since: iso(3599), dryRun: i === 1 },
    }),
  ),
];

let browser: PageBrowser | undefined;
beforeAll(async () => {
  if (hasChromium) browser = await PageBrowser.start();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

/** A test in the browser. */
const inBrowser = testIf(hasChromium, NEEDS_CHROMIUM);

type OpenOptions = Parameters<PageBrowser["open"]>[1];

/** Opens the page and runs `check`. Fails if the page had an error, broke its policy, or asked another server. */
async function withPage(url: string, check: (open: OpenPage) => Promise<void>, options?: OpenOptions): Promise<void> {
  await using open = await browser!.open(url, options);
  await check(open);
  expect(open.errors).toEqual([]);
  expect(open.requests.filter((request) => !request.startsWith(url))).toEqual([]);
  expect(open.requests.length).toBeGreaterThan(3);
}

/** Stops the time of a page with a movable clock, until `resume`. */
async function pauseClock({ page }: OpenPage): Promise<void> {
  // The time to stop at must not be over when the command arrives.
  await page.clock.pauseAt(((await page.evaluate("Date.now()")) as number) + 2000);
}

/**
 * Elements that reach beyond the window, and areas that have to be scrolled sideways. Elements inside figures and charts do not
 * count: those cut off whatever has no room.
 */
function tooWide(open: OpenPage): Promise<string[]> {
  return open.value(`
    [...document.querySelectorAll("html, body *:not(.hidden, .skip, #limited thead, #limited thead *, .figure *, .plot *)")]
      .filter((element) => {
        const { left, right } = element.getBoundingClientRect();
        const scrolls = element.matches("html, .scroll") && element.scrollWidth > element.clientWidth;
        return left < 0 || right > innerWidth || scrolls;
      })
      .map(({ tagName, id, className }) => [tagName, id, className].join(" "))`);
}

/** The same with a stand-in for the server that has been up for an hour. */
async function withStub(
  check: (open: OpenPage, stub: StubAdmin) => Promise<void>,
  prepare: (stub: StubAdmin) => void = (stub) => stub.send(madeUpEvent(madeUpStats(3600))),
  options?: OpenOptions,
): Promise<void> {
  await using stub = new StubAdmin();
  stub.history = madeUpHistory(START + 3_600_000);
  prepare(stub);
  await withPage(stub.url, (open) => check(open, stub), options);
}

function trouble(stub: StubAdmin, workers = 8): void {
  const https = madeUpHttps(3600);
  const xdp = { interface: "eth0", mode: "generic", queues: 2, served: 1, problem: "" } as const;
  const stats = madeUpStats(3600, workers, {
    ...{ problems: PROBLEMS, nodes: 1_000_000, kernelDrops: 3, https },
    ...{ transport: "xdp", xdp: { ...xdp, received: 1, sent: 1, damaged: 0, dropped: 0 } },
  });
  const perWorker = stats.perWorker.map((worker, i) => (i === 2 ? { ...worker, running: false, replaced: 2 } : worker));
  stub.send(madeUpEvent({ ...stats, perWorker }, LIMITED));
}

describe("the page", () => {
  inBrowser("shows the figures of each event and the rates between two, and is less than 100 KB over the wire", () =>
    withStub(async (open, stub) => {
      await open.shows("#packets-total", "4 366 800");
      expect(await open.text("#answers")).toBe("–");
      stub.send(madeUpEvent(madeUpStats(3602)));
      await open.shows("#packets", "1 213");
      expect(await open.text("#answers")).toBe("1 000");
      expect(await open.text("#answers-total")).toBe("3 602 000");
      expect(await open.text("header")).toBe(
        `Whereabouts ${version} ready Listens on 192.0.2.1:22025 [2001:db8::1]:22025 Up for 60 min Theme: auto`,
      );
      expect(await open.texts("#verdicts tr")).toEqual(
        expect.arrayContaining([
          "answered a query that got a reply 1 000 3 602 000",
          "stored a new node announced itself 3.0 10 806",
        ]),
      );
      expect(await open.texts("#verdicts tr")).toHaveLength(13);
      expect(await open.text("#nodes")).toBe("412 345");
      expect(await open.text("#capacity")).toBe("nodes of 1 000 000: 41 %");
      expect(await open.text("#lag")).toBe("0.2 s");
      expect(await open.text("#drops")).toBe("0");
      expect(await open.texts("#workers li")).toEqual([
        "Worker 1 running 1 213 packets/s processor 35 % never replaced",
      ]);
      expect(await open.text("#fine")).toBe("Everything is fine.");
      expect(await open.text("#process")).toStartWith("Engine wasm, transport mmsg. ");
      // The charts: drawn, and described in words.
      expect(await open.value<number>("document.querySelectorAll('canvas').length")).toBe(6);
      const summary = await open.value<string>("document.getElementById('traffic-summary').textContent");
      expect(summary.replaceAll(/\s/g, " ")).toMatch(
        /^Now 1 000 answers a second; lowest [\d ]+ answers a second, highest 1 \d\d\d/,
      );
      expect(await open.value<string>("document.getElementById('registry-summary').textContent")).toMatch(
        /^Now 412.206 nodes/,
      );
      console.log(`the page: ${stub.sent} bytes over the wire`);
      expect(stub.sent).toBeGreaterThan(20_000);
      expect(stub.sent).toBeLessThan(100_000);
    }),
  );

  inBrowser("has no gap between the history and the first events in its chart of seconds", () =>
    withStub(
      async (open, stub) => {
        const readouts = () =>
          open.value<string[]>(`(() => {
            const [over, readout] = ["#traffic .u-over", "#traffic .readout"].map((it) => document.querySelector(it));
            const { left, top, width } = over.getBoundingClientRect();
            return Array.from({ length: 300 }, (_, i) => {
              over.dispatchEvent(new MouseEvent("mousemove", { clientX: left + (i * width) / 299, clientY: top + 9 }));
              return readout.textContent;
            });
          })()`);
        const summary = () => open.value<string>("document.getElementById('traffic-summary').textContent");
        while (!/lowest/.test(await summary())) await Bun.sleep(20);
        // The first event comes again if another page's event was sent in the same moment.
        for (const uptime of [3600, 3601, 3602]) {
          stub.send(madeUpEvent(madeUpStats(uptime)));
          await open.shows("#packets-total", (uptime * 1213).toLocaleString("en").replaceAll(",", " "));
        }
        const shown = await readouts();
        expect(new Set(shown).size).toBe(300);
        expect(shown[0]).toStartWith("12:55:03");
        expect(shown.at(-1)).toMatch(/^13:00:02.* 1\s000 answers, 1\s213 packets a second$/);
        expect(shown.filter((text) => /nothing is known/.test(text))).toEqual([]);
      },
      (stub) => {
        stub.history = madeUpHistory(START + 3_592_700);
        stub.send(madeUpEvent(madeUpStats(3600)));
      },
    ),
  );

  inBrowser("says in words what is wrong, and tells screen readers once for each new state", () =>
    withStub(async (open, stub) => {
      await open.shows("#fine", "Everything is fine.");
      await open.value(`
        globalThis.told = [];
        for (const region of document.querySelectorAll("[role=status], [role=alert], [aria-live]"))
          new MutationObserver(() => told.push(region.textContent)).observe(region, { childList: true, subtree: true, characterData: true });`);
      trouble(stub);
      await open.shows("#problems li:first-child", /^Error the registry is full/i);
      expect(await open.texts("#problems li")).toEqual([
        "Error The registry is full: 1000000 of 1000000 nodes; raise --capacity for 2 min, since 12:58:00",
        "Error The journal redis://valkey.example:6379 takes nothing for 74 s: start it again for 74 s, since 12:58:46",
        "Warning 4 sources are over a limit for 10 s, since 12:59:50",
      ]);
      expect(await open.page.locator("#fine").isVisible()).toBe(false);
      expect(await open.page.title()).toBe("(3) Whereabouts");
      expect(await open.text("#process")).toContain(", transport xdp on eth0 (generic, 1 of 2 queues). ");
      // The text of a problem may have figures that change every second.
      const changed = PROBLEMS.map((problem) => ({ ...problem, text: problem.text.replace("74 s", "76 s") }));
      for (const uptime of [3601, 3602, 3603]) {
        stub.send(madeUpEvent(madeUpStats(uptime, 1, { problems: changed })));
        await open.shows(
          "#packets-total",
          new RegExp(`^${(uptime * 1213).toLocaleString("en").replaceAll(",", ".")}$`),
        );
      }
      expect(await open.text("#problems li:nth-child(2)")).toContain("takes nothing for 76 s");
      stub.send(madeUpEvent(madeUpStats(3604)));
      await open.shows("#fine", "Everything is fine.");
      const told = await open.value<string[]>("told");
      expect(told).toEqual([
        `2 errors, 1 warning. ${PROBLEMS.map(({ text }) => text).join(" ")}`,
        "Everything is fine.",
      ]);
      stub.notReady = "the journal was not read yet";
      for (let uptime = 3605; !/read yet/.test(await open.text("#problems")); uptime++) {
        stub.send(madeUpEvent(madeUpStats(uptime, 1, { ready: false })));
        await open.shows("#ready", "not ready");
      }
      expect(await open.text("#problems")).toBe("Error The server is not ready: the journal was not read yet");
    }),
  );

  inBrowser("shows who is limited, by which limit and flag; strangers' bytes are text, every character visible", () =>
    withStub(async (open, stub) => {
      await open.shows("#nobody", "No source, network or NodeID is over a limit.");
      trouble(stub);
      await open.shows("#limited-count", "4 over a limit, with 3 175 packets a second");
      expect(await open.texts("#limited-rows tr")).toEqual([
        "source 198.51.100.23/32 queries --source-rate 184 223 3 min",
        "network 203.0.113.0/24 new nodes --new-rate 5 210 43 min",
        "NodeID hex:caff queries for one NodeID --node-rate 920 10 s",
        'source 2001:db8:7:1::/64 asks for evil\\u{202e}\\u{7}<img src="https://evil.example/x"> queries for one NodeID only counted --node-rate 12 1 s',
      ]);
      expect(await open.value<number>("document.images.length")).toBe(0);
      expect(await open.text("#limits")).toBe(
        "A source: 250 packets a second, 300 at once (--source-rate); 2 new nodes a second, 1 000 at once (--new-rate). A NodeID: 100 000 queries a second, 100 000 at once (--node-rate).",
      );
      stub.send(madeUpEvent(madeUpStats(3601), LIMITED.slice(0, 1)));
      await open.shows("#limited-count", "1 over a limit, with 3 071 packets a second");
      expect(await open.texts("#limited-rows tr")).toHaveLength(1);
    }),
  );

  inBrowser(
    "shows devices and requests of Syncthing if the server serves them or knows a device, else no such card",
    () =>
      withStub(async (open, stub) => {
        const send = (uptime: number, https: Partial<StatsReply["https"]>) =>
          stub.send(madeUpEvent(madeUpStats(uptime, 1, { https: { ...madeUpHttps(uptime), ...https } })));
        await open.shows("#packets-total", "4 366 800");
        expect(await open.page.locator("#syncthing").isVisible()).toBe(false);
        send(3604, {});
        await open.shows("#syncthing .headline", /^devices 2 360/);
        send(3608, {});
        await open.shows("#lookups", "42");
        expect(await open.texts("#syncthing .headline div")).toEqual([
          ...["devices 2 360", "look-ups a second 42", "announced a second 4.5"],
          ...["addresses 7 080", "open connections 112", "handshakes a second 3.0"],
        ]);
        expect(await open.texts("#requests tr")).toEqual([
          "found a look-up that got addresses 30 108 240",
          "not found a look-up of an unknown device 12 43 296",
          "new a new device announced itself 0.5 1 804",
          "known a known device announced itself 4.0 14 432",
          "limited over the limit of its source 2.0 7 216",
          "full a new device without room 0 0",
          "no certificate announced without a client certificate 0.3 902",
          "invalid no request of the protocol, or cut off 1.3 4 510",
          "failed the server could not answer 0.5 1 804",
          "ping a health check 1.0 3 608",
        ]);
        expect(await open.text("#syncthing-note")).toBe(
          "47 % of 5 000 devices (--https-capacity). 17 handshakes failed, 24 connections closed by the server.",
        );
        const summary = await open.value<string>("document.getElementById('devices-summary').textContent");
        expect(summary.replaceAll(/\s/g, " ")).toBe("Now 2 359 devices; lowest 2 000 devices, highest 2 359 devices.");
        send(3609, { threads: 0, devices: 1, displaced: 2 });
        await open.shows(
          "#syncthing-note",
          "<0.1 % of 5 000 devices (--https-capacity). 2 devices gave way to new ones. They come from the journal: --https is off here.",
        );
        send(3610, { threads: 0, devices: 0 });
        await open.shows("#uptime", "60 min");
        while (await open.page.locator("#syncthing").isVisible()) await Bun.sleep(20);
      }),
  );

  inBrowser("fits into every width with all who are limited, and on a phone each figure has its label", () =>
    withStub(
      async (open, stub) => {
        const session = await open.page.context().newCDPSession(open.page);
        const { root } = await session.send("DOM.getDocument");
        const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector: "#limited table" });
        const cells = async () => {
          const { nodes } = await session.send("Accessibility.queryAXTree", { nodeId });
          const named = nodes.filter(({ role }) => ["columnheader", "rowheader", "cell"].includes(role?.value));
          return named.map(({ name }) => `${name?.value}`.replaceAll(/\s+/g, " "));
        };
        const heads = ["Source, network or NodeID", "Limit of", "Setting", "Stopped a minute", "For"];
        for (const width of [320, 360, 400, 760, 1000, 1280]) {
          await open.page.setViewportSize({ width, height: 740 });
          expect(await tooWide(open), `${width}`).toEqual([]);
          // The table is one for screen readers at each width.
          const first = width < 768 ? heads.map((head) => `${head} `) : heads.map(() => "");
          expect((await cells()).slice(0, 10), `${width}`).toEqual([
            ...heads,
            "source 198.51.100.23/32",
            ...["queries", "--source-rate", "184 223", "3 min"].map((text, i) => first[i + 1] + text),
          ]);
        }
        expect(await open.texts("#limited-rows tr")).toHaveLength(LONG.length);
        stub.send(madeUpEvent(madeUpStats(4e6)));
        await open.shows("#answers-total", "4 000 000 000");
        await open.page.setViewportSize({ width: 320, height: 740 });
        expect(await tooWide(open)).toEqual([]);
      },
      (stub) => stub.send(madeUpEvent(madeUpStats(3600), LONG)),
    ),
  );

  inBrowser("looks up a NodeID as text or hex, and says plainly when it is not known", () =>
    withStub(async (open, stub) => {
      const now = Date.now();
      const known = { nodeId: { text: "NODE", hex: "4e4f4445" }, ip: "2001:db8::7", port: 22000, fromJournal: true };
      const times = {
        announcedAt: new Date(now - 200e3).toISOString(),
        expiresAt: new Date(now + 3410e3).toISOString(),
      };
      stub.nodes.set("hex:4e4f4445", { ...known, ...times, confirmed: false, authenticated: false });
      const look = async (id: string) => {
        await open.page.fill("#lookup-id", id);
        await open.page.keyboard.press("Enter");
      };
      await look("NODE");
      await open.shows("#lookup-result .found", "NODE is at [2001:db8::7]:22000.");
      expect(await open.text("#lookup-result")).toMatch(
        /Announced (?:\d+ \w+, )?[\d:]{8}, 3 min ago Expires (?:\d+ \w+, )?[\d:]{8}, in 56 min How often once: not confirmed yet Heard through the journal: .* Certificate none: announced over UDP In hex 4e4f4445$/,
      );
      await look("hex:4E4F4445");
      await open.shows("#lookup-result .found", "NODE is at [2001:db8::7]:22000.");
      stub.nodes.set("hex:4e4f4445", { ...known, ...times, confirmed: true, authenticated: true });
      await look("NODE");
      await open.shows(
        "#lookup-result dl",
        /How often at least twice: confirmed .* Certificate the node’s own: announced over HTTPS/,
      );
      const deviceId = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD";
      stub.nodes.set(deviceId, { ...known, ...times, confirmed: true, authenticated: true });
      await look(deviceId);
      await open.shows("#lookup-result .found", "NODE is at [2001:db8::7]:22000.");
      expect(open.requests.at(-1)).toEndWith(`/api/nodes/${deviceId}`);
      await look("../stats");
      await open.shows("#lookup-result", "../stats is not known to this server.");
      expect(open.requests.at(-1)).toEndWith("/api/nodes/hex:2e2e2f7374617473");
      await look("hex:4e4");
      await open.shows("#lookup-result", "Behind hex: come pairs of hex digits, such as hex:0aff.");
      stub.status = 429;
      await look("NODE");
      await open.shows("#lookup-result", "the stub says no");
    }),
  );

  inBrowser("says that the connection is lost, greys its figures, and connects again by itself", () =>
    withStub(
      async (open, stub) => {
        await open.shows("#fine", "Everything is fine.");
        const grey = () => open.value<string>("getComputedStyle(document.getElementById('figures')).filter");
        expect(await grey()).toBe("none");
        stub.status = 503;
        // Else the page might try again before a slow machine has seen that it has no connection.
        await pauseClock(open);
        stub.disconnect();
        await open.shows("#ready", "no connection");
        expect(await open.text("#connection")).toMatch(
          /^The connection to the server is lost. The figures below are those of .*13:00:00. This page tries again every two seconds.$/,
        );
        expect(await grey()).toBe("grayscale(1)");
        await open.page.clock.runFor(2000);
        await open.shows("#connection", /^The server is starting, says the stub\. The figures below are those of/);
        expect(await open.text("#ready")).toBe("waiting");
        stub.status = 500;
        await open.page.clock.runFor(2000);
        await open.shows("#connection", /^The stub says no\./);
        stub.status = 200;
        stub.send(madeUpEvent(madeUpStats(3700)));
        await open.page.clock.runFor(2000);
        await open.page.clock.resume();
        await open.shows("#ready", "ready");
        expect(await open.page.locator("#connection").isVisible()).toBe(false);
        expect(await grey()).toBe("none");
        // A connection that is silent is as good as lost.
        await pauseClock(open);
        await open.page.clock.runFor(5000);
        await open.shows("#ready", "no connection");
      },
      undefined,
      { movableClock: true },
    ),
  );

  inBrowser("shows no figures before the first ones have come", () =>
    withStub(
      async (open) => {
        await open.shows("#connection", /^The server is starting/);
        expect(await open.page.locator("#traffic").isVisible()).toBe(false);
      },
      (stub) => {
        stub.status = 503;
      },
    ),
  );

  inBrowser("rests while it is hidden, and catches up from the history when it is shown again", () =>
    withStub(async (open, stub) => {
      const setHidden = (hidden: boolean) =>
        open.value(`
          Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));`);
      const histories = () => open.requests.filter((url) => url.endsWith("/api/history")).length;
      await open.shows("#fine", "Everything is fine.");
      expect([stub.streams, histories()]).toEqual([1, 1]);
      await setHidden(true);
      // With events all the time, since the page gives up a silent stream, too.
      const closed = () => {
        stub.send(madeUpEvent(madeUpStats(3601)));
        return stub.streams === 0;
      };
      await until(closed, "the page to close its stream");
      stub.history = madeUpHistory(START + 7_200_000);
      stub.send(madeUpEvent(madeUpStats(7200)));
      await setHidden(false);
      await open.shows("#uptime", "2 h");
      await until(() => histories() === 2, "the page to fetch the history");
      expect(await open.page.locator("#connection").isVisible()).toBe(false);
      // The five minutes before are those of the history: the waves of it, and no gap.
      const summary = () => open.value<string>("document.getElementById('traffic-summary').textContent");
      while (!/highest 1\s[1-9]/.test(await summary())) await Bun.sleep(20);
    }),
  );

  inBrowser("remembers the theme that was chosen", () =>
    withStub(
      async (open) => {
        const ground = () => open.value<string>("getComputedStyle(document.body).backgroundColor");
        const [light, dark] = ["rgb(245, 246, 248)", "rgb(16, 19, 23)"];
        expect(await ground()).toBe(dark);
        await open.page.click("#theme");
        expect([await open.text("#theme"), await ground()]).toEqual(["Theme: light", light]);
        await open.page.reload();
        expect([await open.text("#theme"), await ground()]).toEqual(["Theme: light", light]);
        await open.page.click("#theme");
        expect([await open.text("#theme"), await ground()]).toEqual(["Theme: dark", dark]);
        await open.page.click("#theme");
        await open.page.emulateMedia({ colorScheme: "light" });
        expect([await open.text("#theme"), await ground()]).toEqual(["Theme: auto", light]);
      },
      undefined,
      { colorScheme: "dark" },
    ),
  );

  inBrowser("can be used by keyboard alone, with a visible focus", () =>
    withStub(
      async (open) => {
        const order: string[] = [];
        for (let i = 0; i < 10; i++) {
          await open.page.keyboard.press("Tab");
          const [name, outline] = await open.value<[string, string]>(`(() => {
            const { activeElement: element } = document;
            return [element.id || element.getAttribute("aria-labelledby") || element.textContent, getComputedStyle(element).outlineStyle];
          })()`);
          order.push(name);
          expect(outline, name).not.toBe("none");
        }
        expect(order).toEqual([
          ...["Skip to what is wrong now", "theme", "lookup-id", "Look up", "outcomes-title"],
          ...["syncthing-title", "limited"],
          ...["Metrics", "Statistics as JSON", "Limited, as JSON"],
        ]);
        await open.page.locator(".skip").press("Enter");
        expect(await open.value<string>("document.activeElement.id")).toBe("now");
      },
      (stub) => trouble(stub),
    ),
  );

  describe.each([
    ["at full width", {}],
    ["at phone width", PHONE],
  ] as const)("%s", (_, size) => {
    inBrowser(
      "has nothing that axe-core finds serious, and fits into its width, light with 8 workers in trouble and dark with 32",
      () =>
        withStub(
          async (open, stub) => {
            const isPhone = "viewport" in size;
            const light = { colorScheme: "light", reducedMotion: "no-preference" } as const;
            const dark = { colorScheme: "dark", reducedMotion: isPhone ? "reduce" : "no-preference" } as const;
            await open.shows("#limited-count", /^4 over/);
            await open.page.fill("#lookup-id", "a");
            await open.page.keyboard.press("Enter");
            await open.shows("#lookup-result", "a is not known to this server.");
            for (const [media, workers, rules] of [
              [light, 8, {}],
              [dark, 32, { only: COLOR_RULES }],
            ] as const) {
              await open.page.emulateMedia(media);
              trouble(stub, workers);
              await open.shows("#workers-count", `${workers} of ${workers} running, none was replaced`);
              expect(await open.violations(rules)).toEqual([]);
              const cards = await open.texts("#workers li");
              expect(cards).toHaveLength(workers);
              expect(cards[2]).toMatch(/^Worker 3 not running – packets\/s replaced 2 times$/);
              expect(await tooWide(open)).toEqual([]);
              const transition = await open.value<string>(
                "getComputedStyle(document.querySelector('.bar i')).transitionDuration",
              );
              expect(transition).toBe(media.reducedMotion === "reduce" ? "0s" : "0.3s");
            }
            if (isPhone) return;
            stub.status = 503;
            stub.disconnect();
            await open.shows("#ready", "no connection");
            expect(await open.violations({ only: COLOR_RULES })).toEqual([]);
            await open.page.emulateMedia(light);
            expect(await open.violations()).toEqual([]);
          },
          (stub) => trouble(stub),
          size,
        ),
    );
  });

  inBrowser("has the same size after hours of events", () =>
    withStub(async (open, stub) => {
      const session = await open.page.context().newCDPSession(open.page);
      const size = async () => {
        await session.send("HeapProfiler.collectGarbage");
        const { usedSize } = await session.send("Runtime.getHeapUsage");
        const { nodes } = await session.send("Memory.getDOMCounters");
        return { usedSize, nodes };
      };
      const feed = async (from: number, to: number) => {
        for (let uptime = from; uptime <= to; uptime++) {
          const limited = LIMITED.slice(0, uptime % 5);
          stub.send(madeUpEvent(madeUpStats(uptime, 8, { problems: PROBLEMS.slice(0, uptime % 4) }), limited));
          if (uptime % 50 === 0) await Bun.sleep(0);
        }
        stub.send(madeUpEvent(madeUpStats(to, 8, { problems: PROBLEMS }), LIMITED));
        await open.shows("#answers-total", (to * 1000).toLocaleString("en").replaceAll(",", " "));
      };
      await feed(3601, 4600);
      const before = await size();
      await feed(4601, 14_600);
      const after = await size();
      // 10,000 events of 4 KB each went through. A node of every tenth one that is kept would be more than this, and so would
      // 150 bytes of each. Some nodes may just have been replaced, and not been collected yet.
      expect(after.nodes - before.nodes).toBeLessThan(1000);
      expect(after.usedSize - before.usedSize).toBeLessThan(1_500_000);
    }),
  );
});

/** Queries and announcements from 127.0.0.1, some thousand a second, until it is disposed of. */
class Load implements AsyncDisposable {
  readonly #client: Client;
  readonly #sending: Promise<void>;
  #stopped = false;

  constructor(client: Client) {
    this.#client = client;
    this.#sending = this.#send();
  }

  async #send(): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      for (let k = 0; k < 10; k++) this.#client.send(query(ascii(k === 0 ? "NODE" : `no node ${k}`)));
      this.#client.send(announcement(ascii(`node-${i}`), 22000));
      await Bun.sleep(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#sending;
  }
}

const SERVER = {
  ...{ host: "127.0.0.1", port: 0, capacity: 50, workers: 2, sourceRate: 200, sourceBurst: 200 },
  // Nothing listens on this port.
  journal: "redis://127.0.0.1:1",
};

describe("with a running server", () => {
  let admin: AdminServer | undefined;
  afterAll(() => admin?.stop());

  inBrowser(
    "its figures move under load and agree with /api/stats and /metrics; it tells what is wrong and who is limited, and finds a node",
    async () => {
      const token = "the-token-of-the-page-test";
      admin = await AdminServer.start({ host: "127.0.0.1", port: 0, token });
      const url = admin.url!;
      await withPage(
        url,
        async (open) => {
          await open.shows("#connection", /^The server is starting: /);
          await using server = await DiscoveryServer.start(SERVER);
          admin!.watch(server);
          await open.page.clock.runFor(2000);
          await open.shows("#ready", /^(not )?ready$/);
          const number = async (selector: string) => Number((await open.text(selector)).replaceAll(" ", ""));
          const get = (path: string) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
          await using client = await Client.open(server.port);
          // Twice, so that it keeps its place in the registry, which the load fills.
          for (let i = 0; i < 2; i++) client.send(announcement(ascii("NODE"), 22000));
          expect(await client.ask(query(ascii("NODE")))).toBeDefined();
          {
            await using _load = new Load(client);
            const seen = new Set<number>();
            for (; seen.size < 3; await Bun.sleep(50)) seen.add(await number("#packets-total"));
            await open.shows("#packets", /^[1-9][ \d]+$/);
            expect(await open.texts("#workers li")).toHaveLength(2);
            // In words: the registry has no room, the journal cannot be reached, and this source is over a limit.
            await open.shows("#problems", /The registry is full: 50 of 50 nodes; .* raise --capacity/);
            await open.shows("#problems", /The journal could not be read yet/);
            await open.shows("#limited-rows", /source 127\.0\.0\.1\/32 queries --source-rate [1-9]/);
            await open.page.setViewportSize(PHONE.viewport);
            expect(await tooWide(open)).toEqual([]);
          }
          // The server may send packets to itself to see whether it is ready, so its counters go on. The page is never ahead.
          const before = (await (await get("api/stats")).json()) as StatsReply;
          while ((await number("#packets-total")) < before.received) await Bun.sleep(50);
          const [packets, answers] = [await number("#packets-total"), await number("#answers-total")];
          const after = server.stats();
          expect(packets).toBeLessThanOrEqual(after.received);
          expect(answers).toBeGreaterThanOrEqual(before.verdicts.answered);
          expect(answers).toBeLessThanOrEqual(after.verdicts.answered);
          const metrics = await (await get("metrics")).text();
          expect(Number(/^whereabouts_received_total (\d+)$/m.exec(metrics)![1])).toBeGreaterThanOrEqual(packets);
          for (const [id, result] of [
            ["NODE", "NODE is at 127.0.0.1:22000."],
            ["no such node", "no such node is not known to this server."],
          ] as const) {
            await open.page.fill("#lookup-id", id);
            await open.page.keyboard.press("Enter");
            await open.shows("#lookup-result > p", result);
          }
        },
        { movableClock: true, httpCredentials: { username: "", password: token } },
      );
    },
  );
});
