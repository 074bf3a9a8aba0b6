// Describes replies in text. TypeScript knows the fields of each arm of a union. A `switch` without one of the cases
// does not compile, because no `return` follows it.
import type { XdrEnum } from "whereabouts/xdr";
import * as nfs from "./nfs.ts";
import * as rpc from "./rpc.ts";

/** The outcome of a call: its results, described by `show`, or the reason why there are none. */
export function showReply<Results>(
  { body }: rpc.rpc_msg<unknown, Results>,
  show: (results: Results) => string,
): string {
  if (body.mtype === rpc.CALL) return "a call, not a reply";
  const { rbody } = body;
  if (rbody.stat === rpc.MSG_DENIED) {
    const { rreply } = rbody;
    if (rreply.stat === rpc.AUTH_ERROR) return nameOf(rpc.auth_stat, rreply.auth_stat);
    return `RPC_MISMATCH: versions ${rreply.mismatch_info.low} to ${rreply.mismatch_info.high} only`;
  }
  const { reply_data } = rbody.areply;
  switch (reply_data.stat) {
    case rpc.SUCCESS:
      return show(reply_data.results);
    case rpc.PROG_MISMATCH:
      return `PROG_MISMATCH: versions ${reply_data.mismatch_info.low} to ${reply_data.mismatch_info.high} only`;
    case rpc.PROG_UNAVAIL:
    case rpc.PROC_UNAVAIL:
    case rpc.GARBAGE_ARGS:
    case rpc.SYSTEM_ERR:
      return nameOf(rpc.accept_stat, reply_data.stat);
  }
}

export function showLookup(res: nfs.LOOKUP3res): string {
  switch (res.status) {
    case nfs.NFS3_OK:
      return showAttributes(res.resok.obj_attributes);
    case nfs.NFS3ERR_NOENT:
      return "no such file";
    default:
      return `${nameOf(nfs.nfsstat3, res.status)} in ${showAttributes(res.resfail.dir_attributes)}`;
  }
}

export function showReaddir(res: nfs.READDIR3res): string {
  if (res.status !== nfs.NFS3_OK) return nameOf(nfs.nfsstat3, res.status);
  const { entries, eof } = res.resok.reply;
  const names = entries.map(({ name }) => name);
  const shown = names.length > 6 ? [...names.slice(0, 4), "…", names.at(-1)] : names;
  return `${entries.length} entries${eof ? "" : " and more"}: ${shown.join(" ")}`;
}

/** Attributes in the format of `ls -l`. */
function showAttributes(attr: nfs.post_op_attr): string {
  if (!attr.attributes_follow) return "(no attributes)";
  const { type, mode, nlink, uid, gid, size, mtime } = attr.attributes;
  const bits = [..."rwxrwxrwx"].map((letter, i) => (mode & (0o400 >> i) ? letter : "-")).join("");
  return `${letterOf(type)}${bits} ${nlink} ${uid} ${gid} ${size} ${dateOf(mtime).toISOString()}`;
}

function letterOf(type: nfs.ftype3): string {
  switch (type) {
    case nfs.NF3REG:
      return "-";
    case nfs.NF3DIR:
      return "d";
    case nfs.NF3BLK:
      return "b";
    case nfs.NF3CHR:
      return "c";
    case nfs.NF3LNK:
      return "l";
    case nfs.NF3SOCK:
      return "s";
    case nfs.NF3FIFO:
      return "p";
  }
}

function dateOf({ seconds, nseconds }: nfs.nfstime3): Date {
  return new Date(seconds * 1000 + nseconds / 1e6);
}

/** The name of an enum's value. */
function nameOf<Values extends { readonly [name: string]: number }>(
  { values }: XdrEnum<Values>,
  value: Values[keyof Values],
): string {
  return Object.keys(values).find((name) => values[name] === value) ?? `${value}`;
}
