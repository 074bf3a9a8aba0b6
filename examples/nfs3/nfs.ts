// NFS version 3 (RFC 1813 §2, §3.3.3, §3.3.16): the types of LOOKUP and READDIR, under the names of the RFC.
import {
  bool,
  enumType,
  fixedOpaque,
  type Infer,
  list,
  MAX_LENGTH,
  opaque,
  string,
  struct,
  uhyper,
  uint,
  union,
  voidType,
} from "whereabouts/xdr";

export const NFS_PROGRAM = 100003;
export const NFS_V3 = 3;
export const NFSPROC3_LOOKUP = 3;
export const NFSPROC3_READDIR = 16;

const NFS3_FHSIZE = 64;
const NFS3_COOKIEVERFSIZE = 8;

// Old servers may have file names that are not UTF-8. To accept them, use `opaque` here.
const filename3 = string(MAX_LENGTH);
const cookieverf3 = fixedOpaque(NFS3_COOKIEVERFSIZE);
const [mode3, uid3, gid3, count3] = [uint, uint, uint, uint];
const [size3, fileid3, cookie3] = [uhyper, uhyper, uhyper];

export const nfsstat3 = enumType({
  NFS3_OK: 0,
  NFS3ERR_PERM: 1,
  NFS3ERR_NOENT: 2,
  NFS3ERR_IO: 5,
  NFS3ERR_NXIO: 6,
  NFS3ERR_ACCES: 13,
  NFS3ERR_EXIST: 17,
  NFS3ERR_XDEV: 18,
  NFS3ERR_NODEV: 19,
  NFS3ERR_NOTDIR: 20,
  NFS3ERR_ISDIR: 21,
  NFS3ERR_INVAL: 22,
  NFS3ERR_FBIG: 27,
  NFS3ERR_NOSPC: 28,
  NFS3ERR_ROFS: 30,
  NFS3ERR_MLINK: 31,
  NFS3ERR_NAMETOOLONG: 63,
  NFS3ERR_NOTEMPTY: 66,
  NFS3ERR_DQUOT: 69,
  NFS3ERR_STALE: 70,
  NFS3ERR_REMOTE: 71,
  NFS3ERR_BADHANDLE: 10001,
  NFS3ERR_NOT_SYNC: 10002,
  NFS3ERR_BAD_COOKIE: 10003,
  NFS3ERR_NOTSUPP: 10004,
  NFS3ERR_TOOSMALL: 10005,
  NFS3ERR_SERVERFAULT: 10006,
  NFS3ERR_BADTYPE: 10007,
  NFS3ERR_JUKEBOX: 10008,
});
export const { NFS3_OK, NFS3ERR_NOENT } = nfsstat3.values;

export const ftype3 = enumType({ NF3REG: 1, NF3DIR: 2, NF3BLK: 3, NF3CHR: 4, NF3LNK: 5, NF3SOCK: 6, NF3FIFO: 7 });
export type ftype3 = Infer<typeof ftype3>;
export const { NF3REG, NF3DIR, NF3BLK, NF3CHR, NF3LNK, NF3SOCK, NF3FIFO } = ftype3.values;

export const specdata3 = struct({ specdata1: uint, specdata2: uint });

export const nfs_fh3 = struct({ data: opaque(NFS3_FHSIZE) });
export type nfs_fh3 = Infer<typeof nfs_fh3>;

export const nfstime3 = struct({ seconds: uint, nseconds: uint });
export type nfstime3 = Infer<typeof nfstime3>;

export const fattr3 = struct({
  type: ftype3,
  mode: mode3,
  nlink: uint,
  uid: uid3,
  gid: gid3,
  size: size3,
  used: size3,
  rdev: specdata3,
  fsid: uhyper,
  fileid: fileid3,
  atime: nfstime3,
  mtime: nfstime3,
  ctime: nfstime3,
});
export type fattr3 = Infer<typeof fattr3>;

export const post_op_attr = union("attributes_follow", bool, {
  true: { attributes: fattr3 },
  false: voidType,
});
export type post_op_attr = Infer<typeof post_op_attr>;

export const diropargs3 = struct({ dir: nfs_fh3, name: filename3 });

export const LOOKUP3args = struct({ what: diropargs3 });

export const LOOKUP3resok = struct({ object: nfs_fh3, obj_attributes: post_op_attr, dir_attributes: post_op_attr });
export const LOOKUP3resfail = struct({ dir_attributes: post_op_attr });
export const LOOKUP3res = union(
  "status",
  nfsstat3,
  { [NFS3_OK]: { resok: LOOKUP3resok } },
  { resfail: LOOKUP3resfail },
);
export type LOOKUP3res = Infer<typeof LOOKUP3res>;

export const READDIR3args = struct({ dir: nfs_fh3, cookie: cookie3, cookieverf: cookieverf3, count: count3 });

/** Without its last field, `entry3 *nextentry`, which `list` adds. */
export const entry3 = struct({ fileid: fileid3, name: filename3, cookie: cookie3 });
export type entry3 = Infer<typeof entry3>;

export const dirlist3 = struct({ entries: list(entry3, MAX_LENGTH), eof: bool });

export const READDIR3resok = struct({ dir_attributes: post_op_attr, cookieverf: cookieverf3, reply: dirlist3 });
export const READDIR3resfail = struct({ dir_attributes: post_op_attr });
export const READDIR3res = union(
  "status",
  nfsstat3,
  { [NFS3_OK]: { resok: READDIR3resok } },
  { resfail: READDIR3resfail },
);
export type READDIR3res = Infer<typeof READDIR3res>;
