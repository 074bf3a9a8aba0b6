// The XDR part of an NFS version 3 client: encodes a call and decodes replies, without a network. Run it with
// `bun examples/nfs3.ts`. The schemas are in nfs3/rpc.ts (RFC 5531) and nfs3/nfs.ts (RFC 1813).
import {
  LOOKUP3args,
  LOOKUP3res,
  NFS_PROGRAM,
  NFS_V3,
  NFSPROC3_LOOKUP,
  READDIR3args,
  READDIR3res,
} from "./nfs3/nfs.ts";
import * as server from "./nfs3/replies.ts";
import { AUTH_NONE, AUTH_SYS, authsys_parms, CALL, rpc_msg } from "./nfs3/rpc.ts";
import { showLookup, showReaddir, showReply } from "./nfs3/show.ts";

const LOOKUP = rpc_msg(LOOKUP3args, LOOKUP3res);
const READDIR = rpc_msg(READDIR3args, READDIR3res);

const call = LOOKUP.encode({
  xid: 1,
  body: {
    mtype: CALL,
    cbody: {
      rpcvers: 2,
      prog: NFS_PROGRAM,
      vers: NFS_V3,
      proc: NFSPROC3_LOOKUP,
      cred: {
        flavor: AUTH_SYS,
        body: authsys_parms.encode({ stamp: 0, machinename: "client", uid: 1000, gid: 100, gids: [100] }),
      },
      verf: { flavor: AUTH_NONE, body: new Uint8Array() },
      args: { what: { dir: { data: Uint8Array.of(0, 1, 0, 7, 2, 0, 0, 0) }, name: "README" } },
    },
  },
});
console.log(`LOOKUP of README, ${call.length} bytes`);
for (let at = 0; at < call.length; at += 32) console.log(`  ${words(call.subarray(at, at + 32))}`);

console.log("Replies to a LOOKUP");
for (const reply of [server.found, server.missing, server.denied].map((reply) => LOOKUP.encode(reply))) {
  console.log(`  ${reply.length} bytes: ${showReply(LOOKUP.decode(reply), showLookup)}`);
}

// In the RFC the entries are a linked list. `list` decodes them to an array, and counts them as one level of nesting.
const thousand = READDIR.encode(server.directory(1000));
console.log("Reply to a READDIR");
console.log(`  ${thousand.length} bytes: ${showReply(READDIR.decode(thousand), showReaddir)}`);

const cut = READDIR.tryDecode(thousand.subarray(0, 20_000));
if (!cut.ok) console.log(`  the first 20000 bytes: ${cut.code} at byte ${cut.offset},\n  in ${cut.path}`);

function words(bytes: Uint8Array): string {
  return bytes.toHex().replaceAll(/.{8}(?=.)/g, "$& ");
}
