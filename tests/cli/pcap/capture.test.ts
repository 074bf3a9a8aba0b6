// The reader of captures: both formats, in both byte orders, in chunks of any size, and damaged ones.
import { describe, expect, test } from "bun:test";
import { readCapture } from "../../../src/cli/pcap/capture.ts";
import { CaptureError } from "../../../src/cli/pcap/frame.ts";
import { Bytes, type Captured, pcap, Section } from "../../support/captures.ts";
import { hex } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The frames of a capture as text, and the message of the error that ended it, if any. */
async function read(chunks: AsyncIterable<Uint8Array>): Promise<{ frames: string[]; error?: string }> {
  const frames: string[] = [];
  try {
    for await (const list of readCapture(chunks)) {
      for (const { number, time, clock, linkType, bytes } of list) {
        frames.push(`${number} ${clock(...time)} link ${linkType} ${hex(bytes)}`);
      }
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { frames, error: error.message };
  }
  return { frames };
}

const whole = (bytes: Uint8Array | readonly number[]) =>
  read(inChunks(Uint8Array.from(bytes), Number.POSITIVE_INFINITY));

describe("pcap", () => {
  const frames: Captured[] = [
    { bytes: [1, 2, 3], fraction: 5 },
    { bytes: [], fraction: 999_999 },
    { bytes: [4], seconds: 0xffffffff, length: 60 },
  ];

  test.each([
    [0xa1b2c3d4, true, "000005", "999999", "000000"],
    [0xa1b2c3d4, false, "000005", "999999", "000000"],
    [0xa1b23c4d, true, "000000005", "000999999", "000000000"],
    [0xa1b23c4d, false, "000000005", "000999999", "000000000"],
  ])(
    "with magic %x, little-endian %p, has its frames with all digits of their times",
    async (magic, little, ...digits) => {
      expect(await whole(pcap(frames, { magic, little, linkType: 0x1234_0065 }))).toEqual({
        frames: [
          `1 2023-11-14T22:13:20.${digits[0]}Z link 101 010203`,
          `2 2023-11-14T22:13:20.${digits[1]}Z link 101 `,
          `3 2106-02-07T06:28:15.${digits[2]}Z link 101 04`,
        ],
      });
    },
  );

  test("is damaged if a frame is longer than any link carries", async () => {
    const bytes = pcap([{ bytes: [1] }, { bytes: [2] }]);
    new DataView(bytes.buffer).setUint32(24 + 17 + 8, 0xfffffff0, true);
    expect(await whole(bytes)).toEqual({
      frames: ["1 2023-11-14T22:13:20.000000Z link 1 01"],
      error: "is damaged: frame 2 has a length of 4294967280 bytes",
    });
  });

  test("carries a fraction of more than a second", async () => {
    const { frames } = await whole(pcap([{ bytes: [], fraction: 2_000_001 }]));
    expect(frames).toEqual(["1 2023-11-14T22:13:22.000001Z link 1 "]);
  });
});

describe("pcapng", () => {
  test("has the frames of all sections, each in its byte order, and of all kinds of packet blocks", async () => {
    const big = new Section(false).interface().packet([1], { low: 1_500_000 }).packet([2, 3, 4, 5, 6], { high: 1 });
    const little = new Section(true)
      .interface(101)
      .interface(276)
      .oldPacket([7], { id: 1, low: 1 })
      .simplePacket([8, 9])
      .packet([10], { id: 1, length: 99 });
    expect(await whole([...big.bytes, ...little.bytes])).toEqual({
      frames: [
        "1 1970-01-01T00:00:01.500000Z link 1 01",
        "2 1970-01-01T01:11:34.967296Z link 1 0203040506",
        "3 1970-01-01T00:00:00.000001Z link 276 07",
        "4 null link 101 0809",
        "5 1970-01-01T00:00:00.000000Z link 276 0a",
      ],
    });
  });

  test.each([
    ["seconds", [0], "1970-01-01T00:00:05Z"],
    ["nanoseconds", [9], "1970-01-01T00:00:00.000000005Z"],
    ["halves of a second", [0x81], "1970-01-01T00:00:02.5Z"],
    ["1/1024 of a second", [0x8a], "1970-01-01T00:00:00.0048Z"],
  ])("has times in %s if the interface says so", async (_, resolution, time) => {
    const section = new Section(true)
      .interface(1, [
        [2, [0x6c, 0x6f]],
        [9, resolution],
      ])
      .packet([], { low: 5 });
    expect((await whole(section.bytes)).frames).toEqual([`1 ${time} link 1 `]);
  });

  test("adds the offset of the interface to its times", async () => {
    const offset = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    const section = new Section(false).interface(1, [[14, offset]]).packet([], { low: 3_000_000 });
    expect((await whole(section.bytes)).frames).toEqual(["1 1970-01-01T00:00:02.000000Z link 1 "]);
  });

  test("has no time where no calendar has that year", async () => {
    const section = new Section(true).interface(1, [[9, [0]]]).packet([], { high: 0xffffffff });
    expect((await whole(section.bytes)).frames).toEqual(["1 null link 1 "]);
  });

  test("cuts the frame of a simple packet at the limit of the interface, and at its padding", async () => {
    const section = new Section(true).interface(1, [], 3).simplePacket([1, 2, 3], 60).simplePacket([4]);
    expect((await whole(section.bytes)).frames).toEqual(["1 null link 1 010203", "2 null link 1 04"]);
  });

  test("may have blocks of other types, which are skipped", async () => {
    const section = new Section(true)
      .block(4, [1, 2, 3])
      .interface()
      .block(0x0bad, [])
      .packet([1])
      .block(5, [1, 2, 3, 4])
      .packet([2]);
    expect((await whole(section.bytes)).frames.map((line) => line.slice(-2))).toEqual(["01", "02"]);
  });

  test("may have a block of gigabytes, which does not fill the memory", async () => {
    const section = new Section(true).interface();
    const size = 0xfffffff0;
    const to = new Bytes(true);
    const start = Uint8Array.from([...section.bytes, ...to.u32(0x0bad, size)]);
    const end = Uint8Array.from([...to.u32(size), ...section.packet([7]).blocks.at(-1)!]);
    async function* chunks() {
      yield start;
      const chunk = new Uint8Array(16 * 1024 * 1024);
      for (let left = size - 12; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
      yield end;
    }
    expect((await read(chunks())).frames).toEqual(["1 1970-01-01T00:00:00.000000Z link 1 07"]);
  });

  test.each([
    [
      "without an interface",
      new Section(true).packet([1]).bytes,
      "block 2 names interface 0, which was not described before",
    ],
    [
      "after a section that had the interface",
      [...new Section(true).interface().bytes, ...new Section(true).packet([1]).bytes],
      "block 4 names interface 0, which was not described before",
    ],
    ["too short", new Section(true).interface().block(6, [0, 0, 0, 0]).bytes, "block 3 is too short, 16 bytes"],
    [
      "shorter than its frame",
      new Section(false).interface().block(6, [...new Array<number>(15).fill(0), 9, 0, 0, 0, 0]).bytes,
      "block 3 is shorter than its frame of 9 bytes",
    ],
    ["of no whole words", new Section(false).bytes.with(7, 29), "block 1 has a length of 29 bytes"],
    [
      "with two lengths",
      new Section(false).bytes.with(27, 32),
      "block 1 has different lengths at its start and its end",
    ],
    ["without a byte order", new Section(false).bytes.with(8, 0), "block 1 does not tell its byte order"],
  ])("is damaged if it has a block %s", async (_, bytes, error) => {
    expect(await whole(bytes)).toMatchObject({ error: `is damaged: ${error}` });
  });

  test("is refused if its version is another one", async () => {
    expect(await whole(new Section(false).bytes.with(13, 2))).toMatchObject({
      error: "has version 2 of pcapng: 1 is known",
    });
  });
});

/** A capture of each format. The frames are longer than what is kept of one. */
const longFrames = [new Array<number>(140_000).fill(7), [1, 2, 3, 4]];
const CAPTURES: readonly [string, Uint8Array][] = [
  ["pcap", pcap(longFrames.map((bytes) => ({ bytes })))],
  [
    "pcapng",
    Uint8Array.from(longFrames.reduce((section, bytes) => section.packet(bytes), new Section(true).interface()).bytes),
  ],
];

describe.each(CAPTURES)("%s", (format, bytes) => {
  test("is the same in chunks of any size, also frames that are not kept whole", async () => {
    const expected = await whole(bytes);
    expect(expected.error).toBeUndefined();
    expect(expected.frames.map((line) => line.split(" ").at(-1)!.length / 2)).toEqual([
      128 * 1024 - (format === "pcap" ? 0 : 20),
      4,
    ]);
    for (const size of [1000, 65_536, 131_072]) expect(await read(inChunks(bytes, size))).toEqual(expected);
  });

  test("that is cut short in what is not kept of a frame does not have that frame", async () => {
    expect(await whole(bytes.subarray(0, 135_000))).toEqual({
      frames: [],
      error: `is cut short: it ends in ${format === "pcap" ? "frame 1" : "block 3, after 0 frames"}`,
    });
  });
});

const SMALL: readonly [string, Uint8Array, readonly number[]][] = [
  ["pcap", pcap([{ bytes: [1, 2, 3, 4] }, { bytes: [5] }]), [24, 44, 61]],
  ["pcapng", Uint8Array.from(new Section(false).interface().packet([1, 2, 3, 4]).packet([5]).bytes), [28, 52, 88, 124]],
];

describe.each(SMALL)("%s", (_, bytes, ends) => {
  test("in single bytes is the same", async () => {
    expect(await read(inChunks(bytes, 1))).toEqual(await whole(bytes));
  });

  test("that is cut short has the frames before, and says so unless it ends between two", async () => {
    const { frames } = await whole(bytes);
    for (let size = 4; size < bytes.length; size++) {
      const result = await whole(bytes.subarray(0, size));
      expect(result.frames).toEqual(frames.slice(0, result.frames.length));
      if (ends.includes(size)) expect(result.error, `${size}`).toBeUndefined();
      else expect(result.error, `${size}`).toStartWith("is cut short: it ends in ");
    }
  });

  test("with any damage is a list of frames or a CaptureError", async () => {
    const random = new Random(17);
    const errors = new Set<string | undefined>();
    for (let i = 0; i < 3000; i++) {
      const damaged = bytes.slice(0, random.once(3) ? random.below(bytes.length + 1) : bytes.length);
      for (let n = random.below(4); n >= 0; n--)
        damaged[random.below(damaged.length)] = random.pick([0, 1, 0x7f, 0xff, random.word()]);
      errors.add((await read(inChunks(damaged, 1 + random.below(40)))).error?.replace(/\d+/g, "N"));
    }
    expect(errors.size).toBeGreaterThan(3);
  });
});

test.each([
  ["nothing", [], "is empty"],
  ["two bytes", [0xa1, 0xb2], "is no capture in the format pcap or pcapng, which tcpdump -w and Wireshark write"],
  [
    "text",
    [...Buffer.from("19760309000000044e4f4445\n")],
    "is no capture in the format pcap or pcapng, which tcpdump -w and Wireshark write",
  ],
  ["a compressed file", [...Bun.gzipSync(pcap([]))], "is compressed: gunzip -c FILE | whereabouts decode --pcap -"],
])("%s is no capture", async (_, bytes, error) => {
  expect(await whole(bytes)).toEqual({ frames: [], error });
});
