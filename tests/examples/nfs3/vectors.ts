/** Messages as values of the schemas of examples/nfs3, and as bytes written by hand. */
import { expect } from "bun:test";
import type { Infer, XdrType } from "whereabouts/xdr";
import * as nfs from "../../../examples/nfs3/nfs.ts";
import * as rpc from "../../../examples/nfs3/rpc.ts";

export const LOOKUP = rpc.rpc_msg(nfs.LOOKUP3args, nfs.LOOKUP3res);
export const READDIR = rpc.rpc_msg(nfs.READDIR3args, nfs.READDIR3res);

type LookupMessage = Infer<typeof LOOKUP>;
type ReaddirMessage = Infer<typeof READDIR>;

/** Hex, with comments from `#` to the end of the line. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/#.*|\s/g, ""));
}

export const none: rpc.opaque_auth = { flavor: rpc.AUTH_NONE, body: new Uint8Array() };

const attributes: nfs.fattr3 = {
  type: nfs.NF3LNK,
  mode: 0o4755,
  nlink: 2,
  uid: 1000,
  gid: 100,
  size: 0x1_0000_0002n,
  used: 0x2_0000_1000n,
  rdev: { specdata1: 8, specdata2: 17 },
  fsid: 0xfedc_ba98_7654_3210n,
  fileid: 0x1122_3344_5566_7788n,
  atime: { seconds: 0xffff_ffff, nseconds: 999_999_999 },
  mtime: { seconds: 802_008_000, nseconds: 1 },
  ctime: { seconds: 802_008_001, nseconds: 2 },
};
const ATTRIBUTES = `
  00000001            # attributes_follow = TRUE
  00000005            # type = NF3LNK
  000009ed            # mode = 04755
  00000002            # nlink
  000003e8            # uid
  00000064            # gid
  00000001 00000002   # size
  00000002 00001000   # used
  00000008 00000011   # rdev: specdata1, specdata2
  fedcba98 76543210   # fsid
  11223344 55667788   # fileid
  ffffffff 3b9ac9ff   # atime: seconds, nseconds
  2fcdabc0 00000001   # mtime
  2fcdabc1 00000002   # ctime`;

const ACCEPTED = `
  00000007            # xid
  00000001            # mtype = REPLY
  00000000            # stat = MSG_ACCEPTED
  00000000 00000000   # verf: flavor = AUTH_NONE, body of 0 bytes`;

function accepted<Data>(reply_data: Data) {
  return {
    xid: 7,
    body: { mtype: rpc.REPLY, rbody: { stat: rpc.MSG_ACCEPTED, areply: { verf: none, reply_data } } },
  };
}

function denied<Rejected>(rreply: Rejected) {
  return { xid: 7, body: { mtype: rpc.REPLY, rbody: { stat: rpc.MSG_DENIED, rreply } } };
}

/** A message of a procedure, and its bytes. */
function vector<T extends LookupMessage | ReaddirMessage>(name: string, type: XdrType<T>, value: T, hex: string) {
  const expected = bytes(hex);
  const check = () => {
    expect(type.decode(expected)).toEqual(value);
    expect<Uint8Array>(type.encode(value)).toEqual(expected);
  };
  return { name, value: value as LookupMessage | ReaddirMessage, bytes: expected, check };
}

const lookupCall: LookupMessage = {
  xid: 0x0102_0304,
  body: {
    mtype: rpc.CALL,
    cbody: {
      rpcvers: 2,
      prog: nfs.NFS_PROGRAM,
      vers: nfs.NFS_V3,
      proc: nfs.NFSPROC3_LOOKUP,
      cred: {
        flavor: rpc.AUTH_SYS,
        body: rpc.authsys_parms.encode({ stamp: 9, machinename: "luna", uid: 1000, gid: 100, gids: [100, 27] }),
      },
      verf: none,
      args: { what: { dir: { data: Uint8Array.of(1, 2, 3, 4, 5) }, name: "grüße" } },
    },
  },
};
export const LOOKUP_CALL = `
  01020304            # xid
  00000000            # mtype = CALL
  00000002            # rpcvers
  000186a3            # prog = 100003
  00000003            # vers
  00000003            # proc = NFSPROC3_LOOKUP
  00000001            # cred: flavor = AUTH_SYS
  00000020            #       body of 32 bytes
  00000009            #         stamp
  00000004 6c756e61   #         machinename of 4 bytes, "luna"
  000003e8            #         uid
  00000064            #         gid
  00000002            #         2 gids
  00000064 0000001b
  00000000 00000000   # verf: flavor = AUTH_NONE, body of 0 bytes
  00000005            # what.dir.data of 5 bytes
  01020304 05 000000  #   and 3 of padding
  00000007            # what.name of 7 bytes, "grüße" in UTF-8
  6772c3bc c39f65 00  #   and 1 of padding`;

export const VECTORS = [
  vector("a LOOKUP call", LOOKUP, lookupCall, LOOKUP_CALL),
  vector(
    "a LOOKUP reply with a file",
    LOOKUP,
    accepted({
      stat: rpc.SUCCESS,
      results: {
        status: nfs.NFS3_OK,
        resok: {
          object: { data: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd) },
          obj_attributes: { attributes_follow: true, attributes },
          dir_attributes: { attributes_follow: false },
        },
      },
    }),
    `${ACCEPTED}
    00000000            # stat = SUCCESS
    00000000            # status = NFS3_OK
    00000004 aabbccdd   # object.data of 4 bytes
    ${ATTRIBUTES}
    00000000            # dir_attributes: attributes_follow = FALSE`,
  ),
  vector(
    "a LOOKUP reply with an error status",
    LOOKUP,
    accepted({
      stat: rpc.SUCCESS,
      results: {
        status: nfs.nfsstat3.values.NFS3ERR_JUKEBOX,
        resfail: { dir_attributes: { attributes_follow: true, attributes } },
      },
    }),
    `${ACCEPTED}
    00000000            # stat = SUCCESS
    00002718            # status = NFS3ERR_JUKEBOX
    ${ATTRIBUTES}`,
  ),
  vector(
    "a READDIR call",
    READDIR,
    {
      xid: 7,
      body: {
        mtype: rpc.CALL,
        cbody: {
          rpcvers: 2,
          prog: nfs.NFS_PROGRAM,
          vers: nfs.NFS_V3,
          proc: nfs.NFSPROC3_READDIR,
          cred: none,
          verf: none,
          args: {
            dir: { data: Uint8Array.of(1) },
            cookie: 0x8000_0000_0000_0001n,
            cookieverf: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
            count: 0x8000_0000,
          },
        },
      },
    },
    `
    00000007            # xid
    00000000            # mtype = CALL
    00000002            # rpcvers
    000186a3            # prog = 100003
    00000003            # vers
    00000010            # proc = NFSPROC3_READDIR
    00000000 00000000   # cred: flavor = AUTH_NONE, body of 0 bytes
    00000000 00000000   # verf
    00000001 01 000000  # dir.data of 1 byte, 3 of padding
    80000000 00000001   # cookie
    01020304 05060708   # cookieverf
    80000000            # count`,
  ),
  vector(
    "a READDIR reply",
    READDIR,
    accepted({
      stat: rpc.SUCCESS,
      results: {
        status: nfs.NFS3_OK,
        resok: {
          dir_attributes: { attributes_follow: false },
          cookieverf: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1),
          reply: {
            entries: [
              { fileid: 2n, name: ".", cookie: 1n },
              { fileid: 0x1_0000_0003n, name: "file", cookie: 0xffff_ffff_ffff_ffffn },
            ],
            eof: true,
          },
        },
      },
    }),
    `${ACCEPTED}
    00000000            # stat = SUCCESS
    00000000            # status = NFS3_OK
    00000000            # dir_attributes: attributes_follow = FALSE
    08070605 04030201   # cookieverf
    00000001            # entries: there is one
    00000000 00000002   #   fileid
    00000001 2e 000000  #   name of 1 byte, ".", 3 of padding
    00000000 00000001   #   cookie
    00000001            #   nextentry: there is one
    00000001 00000003   #     fileid
    00000004 66696c65   #     name of 4 bytes, "file"
    ffffffff ffffffff   #     cookie
    00000000            #     nextentry: there is none
    00000001            # eof = TRUE`,
  ),
  vector(
    "a reply from a server that has other versions of the program",
    LOOKUP,
    accepted({ stat: rpc.PROG_MISMATCH, mismatch_info: { low: 2, high: 4 } }),
    `${ACCEPTED}
    00000002            # stat = PROG_MISMATCH
    00000002 00000004   # low, high`,
  ),
  vector(
    "a reply with an error that has no details",
    LOOKUP,
    accepted({ stat: rpc.SYSTEM_ERR }),
    `${ACCEPTED}
    00000005            # stat = SYSTEM_ERR, and nothing`,
  ),
  vector(
    "a reply from a server that has other versions of RPC",
    LOOKUP,
    denied({ stat: rpc.RPC_MISMATCH, mismatch_info: { low: 2, high: 3 } }),
    `
    00000007            # xid
    00000001            # mtype = REPLY
    00000001            # stat = MSG_DENIED
    00000000            # stat = RPC_MISMATCH
    00000002 00000003   # low, high`,
  ),
  vector(
    "a reply that rejects the credentials",
    LOOKUP,
    denied({ stat: rpc.AUTH_ERROR, auth_stat: rpc.auth_stat.values.RPCSEC_GSS_CTXPROBLEM }),
    `
    00000007            # xid
    00000001            # mtype = REPLY
    00000001            # stat = MSG_DENIED
    00000001            # stat = AUTH_ERROR
    0000000e            # stat = RPCSEC_GSS_CTXPROBLEM`,
  ),
];
