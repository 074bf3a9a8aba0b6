import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { LineError, parseLine } from "../../../src/cli/journal/lines.ts";
import { formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Folder } from "../../support/folder.ts";
import { runInOneProcess as run } from "../../support/one-process.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ID = formatDeviceId(new Uint8Array(32).fill(7));
const OTHER = formatDeviceId(new Uint8Array(32).fill(8));

test("export prints each device after the nodes, import reads both kinds of lines, and stats counts devices and addresses", async () => {
  using folder = new Folder();
  const now = Date.now();
  const [one, other] = ["one.db", "other.db"].map((name) => ["--journal", `sqlite:${folder.at(name)}`]) as [
    string[],
    string[],
  ];
  const [tcp, quic, old] = ["tcp://192.0.2.7:22000", "quic://[2001:db8::7]:22000", "tcp://192.0.2.9:22000"];
  const line = (deviceId: string, addresses: Record<string, number>, more = {}) => {
    const list = Object.entries(addresses).map(([address, announcedAt]) => ({ address, announcedAt }));
    return JSON.stringify({ deviceId, addresses: list, ...more });
  };
  const node = JSON.stringify({ nodeId: "A", ip: "192.0.2.7", port: 1, announcedAt: now - 5 });
  writeFileSync(
    folder.at("lines"),
    [
      line(ID, { [tcp]: now - 60_000 }),
      node,
      line(OTHER, { [tcp]: now - 90_000 }, { confirmed: false }),
      // More addresses of the first device, one of them expired, and its ID as people may write it.
      line(ID.toLowerCase().replaceAll("-", " "), { [quic]: now - 3_600_000, [old]: now - 7_200_000 }),
      line(OTHER, { [old]: now - 7_200_000 }),
      line(`${ID.slice(0, -1)}B`, { [tcp]: now }),
      line(ID, {}),
    ].join("\n"),
  );
  expect(await run(["journal", "import", folder.at("lines"), ...one])).toEqual({
    out: "",
    err: [
      `whereabouts: line 6: "deviceId": one of the characters 49 to 63 of the device ID is wrong: the last of them, a check character, would be ${ID.at(-1)}, not B`,
      'whereabouts: line 7: "addresses": a device has 1 to 32 addresses, not 0',
      "whereabouts: 1 node and 3 devices imported, 1 expired device left out, 2 invalid lines left out",
      "",
    ].join("\n"),
    code: 1,
  });

  const { out } = await run(["journal", "export", ...one]);
  expect(out.split("\n").map((text) => (text === "" ? undefined : JSON.parse(text)))).toEqual([
    { nodeId: "A", nodeIdHex: "41", ip: "192.0.2.7", port: 1, announcedAt: now - 5 },
    { deviceId: OTHER, addresses: [{ address: tcp, announcedAt: now - 90_000 }], confirmed: false },
    {
      deviceId: ID,
      addresses: [
        { address: tcp, announcedAt: now - 60_000 },
        { address: quic, announcedAt: now - 3_600_000 },
      ],
    },
    undefined,
  ]);

  writeFileSync(folder.at("exported"), out);
  const again = await run(["journal", "import", folder.at("exported"), ...other]);
  expect(again).toMatchObject({ err: "whereabouts: 1 node and 2 devices imported\n", code: 0 });
  expect((await run(["journal", "export", ...other])).out).toBe(out);

  const stats = JSON.parse((await run(["journal", "stats", "--json", ...one])).out);
  expect(stats).toMatchObject({
    nodes: 1,
    devices: 2,
    addresses: 3,
    announcements: 4,
    oldest: now - 5,
    newest: now - 5,
  });
  expect((await run(["journal", "stats", ...one])).out).toMatch(/^devices {9}2 with 3 addresses$/m);
});

test("a line of a device is refused with the name of the field that is wrong", () => {
  const good = { deviceId: ID, addresses: [{ address: "tcp://192.0.2.7:22000", announcedAt: 5 }] };
  expect(parseLine(JSON.stringify(good), 10)).toEqual({
    device: { id: new Uint8Array(32).fill(7), confirmed: true, addresses: good.addresses },
  });
  const first = good.addresses[0]!;
  for (const [change, why] of [
    [{ deviceId: 5 }, '"deviceId" must be a text, not 5'],
    [
      { deviceId: "AAAAAAA-1" },
      '"deviceId": a device ID has 56 letters and digits, or 52 without check characters, not 8',
    ],
    [
      { deviceId: `${ID.slice(0, 9)}!${ID.slice(10)}` },
      '"deviceId": character 10 of a device ID must be A to Z or 2 to 7, not "!"',
    ],
    [{ addresses: undefined }, '"addresses" must be a list, not undefined'],
    [{ addresses: "tcp://192.0.2.7:22000" }, '"addresses" must be a list, not "tcp://192.0.2.7:22000"'],
    [{ addresses: [first, "tcp://a"] }, '"addresses"[1] is not a JSON object'],
    [{ addresses: [{ ...first, address: null }] }, '"addresses"[0]: "address" must be a text, not null'],
    [{ addresses: [{ ...first, address: "" }] }, '"addresses": an address has 1 to 1024 characters, not 0'],
    [{ addresses: [{ ...first, address: "tcp://ü:1" }] }, '"addresses": an address must be printable ASCII'],
    [
      { addresses: [{ ...first, announcedAt: "now" }] },
      '"addresses"[0]: "announcedAt" must be milliseconds since 1970, not "now"',
    ],
    [
      { addresses: [first, { ...first, announcedAt: 60_011 }] },
      '"addresses"[1]: "announcedAt" is in the future: 60011',
    ],
    [{ addresses: new Array(33).fill(first) }, '"addresses": a device has 1 to 32 addresses, not 33'],
    [{ confirmed: 1 }, '"confirmed" must be true or false, not 1'],
  ] as const) {
    expect(() => parseLine(JSON.stringify({ ...good, ...change }), 10)).toThrow(new LineError(why));
  }
});
