// Compares what the compiler makes of examples/nfs3/*.x with the schemas of the example: the same bytes and content.
import { describe, expect, test } from "bun:test";
import * as compiled from "../../../examples/nfs3/generated/nfs3.ts";
import * as nfs from "../../../examples/nfs3/nfs.ts";
import { directory } from "../../../examples/nfs3/replies.ts";
import * as rpc from "../../../examples/nfs3/rpc.ts";
import { READDIR, VECTORS } from "./vectors.ts";

type Message = (typeof VECTORS)[number]["value"];

/** The codec and the value of what follows a message. */
interface Rest<T> {
  codec: compiled.XdrCodec<T>;
  value: T;
}

/** A message as rpc.x has it, without arguments and results, and what follows it. */
function split({ xid, body }: Message): { head: compiled.rpc_msg; rest?: Rest<unknown> } {
  if (body.mtype === rpc.CALL) {
    const { args, ...cbody } = body.cbody;
    const codec = "what" in args ? compiled.LOOKUP3args : compiled.READDIR3args;
    return { head: { xid, body: { mtype: body.mtype, cbody } }, rest: { codec, value: args } as Rest<unknown> };
  }
  const { mtype, rbody } = body;
  if (rbody.stat === rpc.MSG_DENIED) return { head: { xid, body: { mtype, rbody } } };
  const { verf, reply_data } = rbody.areply;
  if (reply_data.stat !== rpc.SUCCESS) {
    return { head: { xid, body: { mtype, rbody: { stat: rbody.stat, areply: { verf, reply_data } } } } };
  }
  const nothing = { stat: reply_data.stat, results: new Uint8Array() };
  const head = { xid, body: { mtype, rbody: { stat: rbody.stat, areply: { verf, reply_data: nothing } } } };
  return { head, rest: results(reply_data.results) as Rest<unknown> };
}

function results(value: nfs.LOOKUP3res | nfs.READDIR3res): Rest<compiled.LOOKUP3res> | Rest<compiled.READDIR3res> {
  if (value.status !== nfs.NFS3_OK || "object" in value.resok) {
    return { codec: compiled.LOOKUP3res, value: value as nfs.LOOKUP3res };
  }
  const { entries, eof } = value.resok.reply;
  // As in the RFC, where the example has an array.
  const linked = entries.reduceRight<compiled.entry3 | null>((nextentry, entry) => ({ ...entry, nextentry }), null);
  const resok = { ...value.resok, reply: { entries: linked, eof } };
  return { codec: compiled.READDIR3res, value: { status: value.status, resok } };
}

describe("the compiled types", () => {
  test.each(VECTORS)("encode and decode $name like the schemas of the example", ({ value, bytes }) => {
    const { head, rest } = split(value);
    const written = [compiled.rpc_msg.encode(head), rest?.codec.encode(rest.value) ?? new Uint8Array()];
    expect(Buffer.concat(written).toHex()).toBe(bytes.toHex());
    expect(compiled.rpc_msg.decode(bytes, { allowTrailing: true })).toEqual(head);
    const at = compiled.rpc_msg.size(head);
    if (rest === undefined) expect(at).toBe(bytes.length);
    else expect(rest.codec.decode(bytes.subarray(at))).toEqual(rest.value);
  });

  test("have the numbers of the example", () => {
    const { NFS_PROGRAM, NFS_V3, NFSPROC3_LOOKUP, NFSPROC3_READDIR } = nfs;
    expect(compiled).toMatchObject({ NFS_PROGRAM, NFS_V3, NFSPROC3_LOOKUP, NFSPROC3_READDIR });
    expect(Object.entries(compiled.nfsstat3)).toEqual(expect.arrayContaining(Object.entries(nfs.nfsstat3.values)));
  });

  test("refuse a linked list that is deeper than maxDepth", () => {
    const message = directory(1000);
    const { head, rest } = split(message);
    const bytes = READDIR.encode(message).subarray(compiled.rpc_msg.size(head));
    expect(compiled.READDIR3res.tryDecode(bytes)).toMatchObject({ ok: false, code: "too-deep" });
    expect(rest?.codec.decode(bytes, { maxDepth: 1010 })).toEqual(rest?.value);
  });
});
