// Replies as a server might send them. The compiler checks each value against the type of its schema.
import * as nfs from "./nfs.ts";
import * as rpc from "./rpc.ts";

const verf: rpc.opaque_auth = { flavor: rpc.AUTH_NONE, body: new Uint8Array() };
const dir_attributes = attributes(nfs.NF3DIR, 0o755, 2n, 32768n);

/** The reply to a LOOKUP of a file that exists. */
export const found = success<nfs.LOOKUP3res>(1, {
  status: nfs.NFS3_OK,
  resok: {
    object: { data: Uint8Array.of(0, 1, 0, 7, 2, 0, 0, 0, 0x6f, 3) },
    obj_attributes: attributes(nfs.NF3REG, 0o644, 3n, 4711n),
    dir_attributes,
  },
});

/** The reply to a LOOKUP of a file that does not exist. */
export const missing = success<nfs.LOOKUP3res>(2, { status: nfs.NFS3ERR_NOENT, resfail: { dir_attributes } });

/** The reply to a call with credentials that the server rejects. */
export const denied: rpc.rpc_msg<never, never> = {
  xid: 3,
  body: {
    mtype: rpc.REPLY,
    rbody: {
      stat: rpc.MSG_DENIED,
      rreply: { stat: rpc.AUTH_ERROR, auth_stat: rpc.auth_stat.values.AUTH_TOOWEAK },
    },
  },
};

/** The reply to a READDIR of a directory with `count` files. */
export function directory(count: number): rpc.rpc_msg<never, nfs.READDIR3res> {
  const entries = Array.from({ length: count }, (_, i) => ({
    fileid: BigInt(i + 3),
    name: `file-${i + 1}`,
    cookie: BigInt(i + 1),
  }));
  const resok = { dir_attributes, cookieverf: new Uint8Array(8), reply: { entries, eof: true } };
  return success<nfs.READDIR3res>(4, { status: nfs.NFS3_OK, resok });
}

function success<Results>(xid: number, results: Results): rpc.rpc_msg<never, Results> {
  const reply_data = { stat: rpc.SUCCESS, results };
  return { xid, body: { mtype: rpc.REPLY, rbody: { stat: rpc.MSG_ACCEPTED, areply: { verf, reply_data } } } };
}

function attributes(type: nfs.ftype3, mode: number, fileid: bigint, size: bigint): nfs.post_op_attr {
  const rdev = { specdata1: 0, specdata2: 0 };
  const time = { seconds: 802_008_000, nseconds: 0 };
  const times = { atime: time, mtime: time, ctime: time };
  const attributes = { type, mode, nlink: 1, uid: 1000, gid: 100, size, used: size, rdev, fsid: 1n, fileid, ...times };
  return { attributes_follow: true, attributes };
}
