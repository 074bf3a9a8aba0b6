// Compares the structures of examples/nfs3 with bytes written by hand, from the rules of RFC 4506 and the definitions
// of RFC 1813 and RFC 5531. Also checks the output of the example program.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { XdrType } from "whereabouts/xdr";
import * as nfs from "../../../examples/nfs3/nfs.ts";
import { directory, missing } from "../../../examples/nfs3/replies.ts";
import * as rpc from "../../../examples/nfs3/rpc.ts";
import { showLookup } from "../../../examples/nfs3/show.ts";
import { bytes, LOOKUP, LOOKUP_CALL, none, READDIR, VECTORS } from "./vectors.ts";

const ROOT = join(import.meta.dir, "../../..");

describe("the schemas of examples/nfs3", () => {
  for (const { name, check } of VECTORS) test(`encode and decode ${name} like the bytes written by hand`, check);

  test("have the maximums of the RFCs", () => {
    const limits: [type: XdrType<unknown>, most: unknown, over: unknown][] = [
      [nfs.nfs_fh3, { data: new Uint8Array(64) }, { data: new Uint8Array(65) }],
      [rpc.opaque_auth, { ...none, body: new Uint8Array(400) }, { ...none, body: new Uint8Array(401) }],
      [rpc.authsys_parms, parms(255, 16), parms(256, 16)],
      [rpc.authsys_parms, parms(255, 16), parms(255, 17)],
    ];
    for (const [type, most, over] of limits) {
      expect(type.decode(type.encode(most))).toEqual(most);
      expect(() => type.encode(over)).toThrow(RangeError);
    }
    const handle = nfs.nfs_fh3.tryDecode(bytes(`00000041 ${"00".repeat(68)}`));
    expect(handle).toEqual({ ok: false, code: "length-over-maximum", offset: 0, path: "data" });
  });

  test("reject numbers that are not in the RFCs", () => {
    const call = bytes(LOOKUP_CALL);
    call[11] = 3;
    expect(LOOKUP.tryDecode(call)).toMatchObject({ code: "wrong-constant", offset: 8, path: "body.cbody.rpcvers" });
    const reply = LOOKUP.encode(missing);
    reply[27] = 3;
    const path = "body.rbody.areply.reply_data.results.status";
    expect(LOOKUP.tryDecode(reply)).toMatchObject({ code: "unknown-enum", offset: 24, path });
  });

  test("report, for a reply cut off anywhere, the offset of the end and the path of the part", () => {
    const reply = READDIR.encode(directory(3));
    for (let length = 0; length < reply.length; length += 1) {
      const result = READDIR.tryDecode(reply.subarray(0, length));
      if (result.ok) throw new Error(`${length} bytes are a reply`);
      expect(["truncated", "length-over-input"]).toContain(result.code);
      expect(result.offset).toBeWithin(length - 12, length + 1);
      expect(result.path).not.toBe("");
    }
  });

  test("decode a directory of 100,000 files with the default maxDepth", () => {
    const message = directory(100_000);
    expect(READDIR.decode(READDIR.encode(message))).toEqual(message);
  });

  test("make the compiler require every case of a switch, and allow only the fields of that case", () => {
    // @ts-expect-error: cases for other statuses are missing
    function name(res: nfs.LOOKUP3res): string {
      switch (res.status) {
        case nfs.NFS3_OK:
          // @ts-expect-error: there is no resfail here
          return `${res.resfail}`;
      }
    }
    const results: nfs.LOOKUP3res = {
      status: nfs.NFS3ERR_NOENT,
      resfail: { dir_attributes: { attributes_follow: false } },
    };
    expect(name(results)).toBeUndefined();
    expect(showLookup(results)).toBe("no such file");
  });
});

function parms(name: number, gids: number) {
  return { stamp: 0, machinename: "m".repeat(name), uid: 0, gid: 0, gids: Array<number>(gids).fill(1) };
}

test("examples/nfs3.ts prints a call, replies, and the error of a reply that is cut off", async () => {
  const child = Bun.spawn([process.execPath, join(ROOT, "examples/nfs3.ts")], { stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(error).toBe("");
  expect(code).toBe(0);
  expect(out).toBe(`\
LOOKUP of README, 96 bytes
  00000001 00000000 00000002 000186a3 00000003 00000003 00000001 00000020
  00000000 00000006 636c6965 6e740000 000003e8 00000064 00000001 00000064
  00000000 00000000 00000008 00010007 02000000 00000006 52454144 4d450000
Replies to a LOOKUP
  220 bytes: -rw-r--r-- 1 1000 100 4711 1995-06-01T12:00:00.000Z
  116 bytes: no such file
  20 bytes: AUTH_TOOWEAK
Reply to a READDIR
  32136 bytes: 1000 entries: file-1 file-2 file-3 file-4 … file-1000
  the first 20000 bytes: truncated at byte 20000,
  in body.rbody.areply.reply_data.results.resok.reply.entries[621].fileid
`);
});
