// Compares examples/nfs3 with the same structures as schemas of @stellar/js-xdr 5. Both must write random values as the
// same bytes, and accept or reject the same randomly changed bytes.
import { describe, expect, test } from "bun:test";
import * as stellar from "@stellar/js-xdr";
import fc from "fast-check";
import type { XdrType } from "whereabouts/xdr";
import * as nfs from "../../../examples/nfs3/nfs.ts";
import { directory } from "../../../examples/nfs3/replies.ts";
import * as rpc from "../../../examples/nfs3/rpc.ts";
import { change, changes } from "../../xdr/js-xdr-types.ts";

const SEED = 1813;
const { enumType, field, lazy, option, struct, uint32, uint64, unionCase, varOpaque } = stellar;
const nothing = stellar.void();

/** A js-xdr union: the name and the type of the discriminant, the arms, and the default arm. */
function union(
  tag: string,
  switchOn: stellar.XdrType<number | boolean>,
  arms: [number | boolean, stellar.UnionArm][],
  defaultArm?: stellar.UnionArm,
): stellar.XdrType<unknown> {
  const cases = arms.map(([value, arm]) => unionCase(`case ${value}`, value, arm));
  return stellar.union(tag, { switchKey: tag, switchOn, cases, defaultArm }) as stellar.XdrType<unknown>;
}

const opaque_auth = struct("opaque_auth", {
  flavor: enumType("auth_flavor", { none: 0, sys: 1, short: 2, dh: 3, gss: 6 }),
  body: varOpaque(400),
});
const mismatch_info = struct("mismatch_info", { low: uint32(), high: uint32() });
const msg_type = enumType("msg_type", { call: 0, reply: 1 });
const reply_stat = enumType("reply_stat", { accepted: 0, denied: 1 });
const accept_stat = enumType("accept_stat", Object.fromEntries([0, 1, 2, 3, 4, 5].map((n) => [`s${n}`, n])));
const reject_stat = enumType("reject_stat", { rpcMismatch: 0, authError: 1 });
const auth_stat = enumType("auth_stat", Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`s${n}`, n])));

function rpc_msg(args: stellar.XdrType<unknown>, results: stellar.XdrType<unknown>): stellar.XdrType<unknown> {
  const call_body = struct("call_body", {
    rpcvers: enumType("rpcvers", { two: 2 }),
    prog: uint32(),
    vers: uint32(),
    proc: uint32(),
    cred: opaque_auth,
    verf: opaque_auth,
    args,
  });
  const accepted_reply = struct("accepted_reply", {
    verf: opaque_auth,
    reply_data: union(
      "stat",
      accept_stat,
      [
        [0, field("results", results)],
        [2, field("mismatch_info", mismatch_info)],
      ],
      nothing,
    ),
  });
  const rejected_reply = union("stat", reject_stat, [
    [0, field("mismatch_info", mismatch_info)],
    [1, field("auth_stat", auth_stat)],
  ]);
  const reply_body = union("stat", reply_stat, [
    [0, field("areply", accepted_reply)],
    [1, field("rreply", rejected_reply)],
  ]);
  return struct("rpc_msg", {
    xid: uint32(),
    body: union("mtype", msg_type, [
      [0, field("cbody", call_body)],
      [1, field("rbody", reply_body)],
    ]),
  });
}

const STATUSES = [
  ...[0, 1, 2, 5, 6, 13, 17, 18, 19, 20, 21, 22, 27, 28, 30, 31, 63, 66, 69, 70, 71],
  ...[10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008],
];
const nfsstat3 = enumType("nfsstat3", Object.fromEntries(STATUSES.map((status) => [`s${status}`, status])));
const ftype3 = enumType("ftype3", { reg: 1, dir: 2, blk: 3, chr: 4, lnk: 5, sock: 6, fifo: 7 });
const filename3 = stellar.string(stellar.UNBOUNDED_MAX_LENGTH);
const nfs_fh3 = struct("nfs_fh3", { data: varOpaque(64) });
const nfstime3 = struct("nfstime3", { seconds: uint32(), nseconds: uint32() });
const fattr3 = struct("fattr3", {
  type: ftype3,
  mode: uint32(),
  nlink: uint32(),
  uid: uint32(),
  gid: uint32(),
  size: uint64(),
  used: uint64(),
  rdev: struct("specdata3", { specdata1: uint32(), specdata2: uint32() }),
  fsid: uint64(),
  fileid: uint64(),
  atime: nfstime3,
  mtime: nfstime3,
  ctime: nfstime3,
});
const post_op_attr = union("attributes_follow", stellar.bool(), [
  [true, field("attributes", fattr3)],
  [false, nothing],
]);
const LOOKUP3args = struct("LOOKUP3args", { what: struct("diropargs3", { dir: nfs_fh3, name: filename3 }) });
const LOOKUP3res = union(
  "status",
  nfsstat3,
  [
    [
      0,
      field(
        "resok",
        struct("LOOKUP3resok", { object: nfs_fh3, obj_attributes: post_op_attr, dir_attributes: post_op_attr }),
      ),
    ],
  ],
  field("resfail", struct("LOOKUP3resfail", { dir_attributes: post_op_attr })),
);
const cookieverf3 = stellar.opaque(8);
const READDIR3args = struct("READDIR3args", {
  dir: nfs_fh3,
  cookie: uint64(),
  cookieverf: cookieverf3,
  count: uint32(),
});
const entry3: stellar.XdrType<unknown> = struct("entry3", {
  fileid: uint64(),
  name: filename3,
  cookie: uint64(),
  nextentry: option(lazy(() => entry3)),
});
const dirlist3 = struct("dirlist3", { entries: option(entry3), eof: stellar.bool() });
const READDIR3res = union(
  "status",
  nfsstat3,
  [
    [
      0,
      field(
        "resok",
        struct("READDIR3resok", { dir_attributes: post_op_attr, cookieverf: cookieverf3, reply: dirlist3 }),
      ),
    ],
  ],
  field("resfail", struct("READDIR3resfail", { dir_attributes: post_op_attr })),
);

const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat(3));
const wide = fc.bigInt(0n, 2n ** 64n - 1n);
const name = fc.string({ unit: "binary", maxLength: 20 });
const auth: fc.Arbitrary<rpc.opaque_auth> = fc.record({
  flavor: fc.constantFrom(...Object.values(rpc.auth_flavor.values)),
  body: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 390, maxLength: 400 })),
});
const handle: fc.Arbitrary<nfs.nfs_fh3> = fc.record({ data: fc.uint8Array({ maxLength: 64 }) });
const time: fc.Arbitrary<nfs.nfstime3> = fc.record({ seconds: word, nseconds: word });
const attributes: fc.Arbitrary<nfs.fattr3> = fc.record({
  type: fc.constantFrom(...Object.values(nfs.ftype3.values)),
  mode: word,
  nlink: word,
  uid: word,
  gid: word,
  size: wide,
  used: wide,
  rdev: fc.record({ specdata1: word, specdata2: word }),
  fsid: wide,
  fileid: wide,
  atime: time,
  mtime: time,
  ctime: time,
});
const postOp: fc.Arbitrary<nfs.post_op_attr> = fc.oneof(
  fc.constant({ attributes_follow: false as const }),
  fc.record({ attributes_follow: fc.constant(true as const), attributes }),
);
const failed = fc.record({
  status: fc.constantFrom(...Object.values(nfs.nfsstat3.values)).filter((status) => status !== nfs.NFS3_OK),
  resfail: fc.record({ dir_attributes: postOp }),
});
const lookupArgs = fc.record({ what: fc.record({ dir: handle, name }) });
const lookupResults: fc.Arbitrary<nfs.LOOKUP3res> = fc.oneof(
  failed,
  fc.record({
    status: fc.constant(nfs.NFS3_OK),
    resok: fc.record({ object: handle, obj_attributes: postOp, dir_attributes: postOp }),
  }),
);
const cookieverf = fc.uint8Array({ minLength: 8, maxLength: 8 });
const readdirArgs = fc.record({ dir: handle, cookie: wide, cookieverf, count: word });
const entry: fc.Arbitrary<nfs.entry3> = fc.record({ fileid: wide, name, cookie: wide });
const readdirResults: fc.Arbitrary<nfs.READDIR3res> = fc.oneof(
  failed,
  fc.record({
    status: fc.constant(nfs.NFS3_OK),
    resok: fc.record({
      dir_attributes: postOp,
      cookieverf,
      reply: fc.record({ entries: fc.array(entry, { maxLength: 8 }), eof: fc.boolean() }),
    }),
  }),
);

function messages<Args, Results>(
  args: fc.Arbitrary<Args>,
  results: fc.Arbitrary<Results>,
): fc.Arbitrary<rpc.rpc_msg<Args, Results>> {
  const mismatch_info = fc.record({ low: word, high: word });
  const { values: accept } = rpc.accept_stat;
  const reply_data = fc.oneof(
    fc.record({ stat: fc.constant(rpc.SUCCESS), results }),
    fc.record({ stat: fc.constant(rpc.PROG_MISMATCH), mismatch_info }),
    fc.record({
      stat: fc.constantFrom(accept.PROG_UNAVAIL, accept.PROC_UNAVAIL, accept.GARBAGE_ARGS, accept.SYSTEM_ERR),
    }),
  );
  const rreply = fc.oneof(
    fc.record({ stat: fc.constant(rpc.RPC_MISMATCH), mismatch_info }),
    fc.record({
      stat: fc.constant(rpc.AUTH_ERROR),
      auth_stat: fc.constantFrom(...Object.values(rpc.auth_stat.values)),
    }),
  );
  const rbody = fc.oneof(
    fc.record({ stat: fc.constant(rpc.MSG_ACCEPTED), areply: fc.record({ verf: auth, reply_data }) }),
    fc.record({ stat: fc.constant(rpc.MSG_DENIED), rreply }),
  );
  const cbody = fc.record({
    rpcvers: fc.constant(2 as const),
    prog: word,
    vers: word,
    proc: word,
    cred: auth,
    verf: auth,
    args,
  });
  const body = fc.oneof(
    fc.record({ mtype: fc.constant(rpc.CALL), cbody }),
    fc.record({ mtype: fc.constant(rpc.REPLY), rbody }),
  );
  return fc.record({ xid: word, body });
}

/** A value in the form of js-xdr: strings are bytes, and a list is its first element, which contains the next one. */
function theirs(value: unknown): unknown {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (Array.isArray(value)) {
    return value.map(theirs).reduceRight<unknown>((nextentry, entry) => ({ ...(entry as object), nextentry }), null);
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, theirs(part)]));
}

function compare<T>(type: XdrType<T>, schema: stellar.XdrType<unknown>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes: Uint8Array = type.encode(value);
      expect(bytes).toEqual(schema.encode(theirs(value)));
      expect(type.decode(bytes)).toEqual(value);
      expect(schema.decode(bytes)).toEqual(theirs(value));
    }),
    { seed: SEED, numRuns: 500 },
  );
  const counts = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(values, changes, (value, list) => {
      const bytes = change(type.encode(value), list);
      const result = type.tryDecode(bytes);
      // In js-xdr, strings are arbitrary bytes.
      if (!result.ok && result.code === "bad-utf8") return;
      counts[result.ok ? "accepted" : "refused"] += 1;
      expect(result.ok).toBe(schema.validateXdr(bytes));
      if (result.ok) expect(schema.decode(bytes)).toEqual(theirs(result.value));
    }),
    { seed: SEED, numRuns: 1000 },
  );
  expect(counts.accepted).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
}

describe("like js-xdr, examples/nfs3 encodes and decodes", () => {
  const LOOKUP = rpc.rpc_msg(nfs.LOOKUP3args, nfs.LOOKUP3res);
  const READDIR = rpc.rpc_msg(nfs.READDIR3args, nfs.READDIR3res);

  test("calls and replies of LOOKUP", () => {
    compare(LOOKUP, rpc_msg(LOOKUP3args, LOOKUP3res), messages(lookupArgs, lookupResults));
  });

  test("calls and replies of READDIR", () => {
    compare(READDIR, rpc_msg(READDIR3args, READDIR3res), messages(readdirArgs, readdirResults));
  });

  test("AUTH_SYS credentials", () => {
    const text = new TextEncoder();
    const schema = struct("authsys_parms", {
      stamp: uint32(),
      machinename: stellar.string(255),
      uid: uint32(),
      gid: uint32(),
      gids: stellar.array(uint32(), 16),
    });
    const values = fc.record({
      stamp: word,
      machinename: fc.string({ unit: "binary", maxLength: 63 }),
      uid: word,
      gid: word,
      gids: fc.array(word, { maxLength: 16 }),
    });
    fc.assert(
      fc.property(values, (value) => {
        const bytes = schema.encode({ ...value, machinename: text.encode(value.machinename) });
        expect<Uint8Array>(rpc.authsys_parms.encode(value)).toEqual(bytes);
        expect(rpc.authsys_parms.decode(bytes)).toEqual(value);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("a directory of 1,000 files, for which js-xdr needs more than its default depth", () => {
    const message = directory(1000);
    const schema = rpc_msg(READDIR3args, READDIR3res);
    const bytes: Uint8Array = READDIR.encode(message);
    expect(READDIR.decode(bytes)).toEqual(message);
    expect(() => schema.decode(bytes)).toThrow("depth");
    expect(schema.encode(theirs(message), { maxDepth: 4000 })).toEqual(bytes);
  });
});
