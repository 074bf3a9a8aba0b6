// ONC RPC version 2 (RFC 5531 §8, §9, appendix A), under the names of the RFC: the messages that carry calls and
// replies.
import {
  array,
  constant,
  enumType,
  type Infer,
  opaque,
  string,
  struct,
  uint,
  union,
  voidType,
  type XdrType,
} from "whereabouts/xdr";

export const auth_flavor = enumType({ AUTH_NONE: 0, AUTH_SYS: 1, AUTH_SHORT: 2, AUTH_DH: 3, RPCSEC_GSS: 6 });
export const { AUTH_NONE, AUTH_SYS } = auth_flavor.values;

/** The flavor defines what the body contains: for AUTH_SYS it is an encoded {@link authsys_parms}. */
export const opaque_auth = struct({ flavor: auth_flavor, body: opaque(400) });
export type opaque_auth = Infer<typeof opaque_auth>;

/** The body of AUTH_SYS credentials. */
export const authsys_parms = struct({
  stamp: uint,
  machinename: string(255),
  uid: uint,
  gid: uint,
  gids: array(uint, 16),
});

const msg_type = enumType({ CALL: 0, REPLY: 1 });
export const { CALL, REPLY } = msg_type.values;

const reply_stat = enumType({ MSG_ACCEPTED: 0, MSG_DENIED: 1 });
export const { MSG_ACCEPTED, MSG_DENIED } = reply_stat.values;

export const accept_stat = enumType({
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
});
export const { SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR } = accept_stat.values;

const reject_stat = enumType({ RPC_MISMATCH: 0, AUTH_ERROR: 1 });
export const { RPC_MISMATCH, AUTH_ERROR } = reject_stat.values;

export const auth_stat = enumType({
  AUTH_OK: 0,
  AUTH_BADCRED: 1,
  AUTH_REJECTEDCRED: 2,
  AUTH_BADVERF: 3,
  AUTH_REJECTEDVERF: 4,
  AUTH_TOOWEAK: 5,
  AUTH_INVALIDRESP: 6,
  AUTH_FAILED: 7,
  AUTH_KERB_GENERIC: 8,
  AUTH_TIMEEXPIRE: 9,
  AUTH_TKT_FILE: 10,
  AUTH_DECODE: 11,
  AUTH_NET_ADDR: 12,
  RPCSEC_GSS_CREDPROBLEM: 13,
  RPCSEC_GSS_CTXPROBLEM: 14,
});

const mismatch_info = struct({ low: uint, high: uint });

const rejected_reply = union("stat", reject_stat, {
  [RPC_MISMATCH]: { mismatch_info },
  [AUTH_ERROR]: { auth_stat },
});

/**
 * The type of the messages of one procedure, from the types of its arguments and results. RFC 5531 leaves arguments and
 * results out of its types, because they differ from procedure to procedure. In a message they directly follow the call
 * or the reply, so here they are its last field.
 */
export function rpc_msg<Args, Results>(args: XdrType<Args>, results: XdrType<Results>) {
  const call_body = struct({
    rpcvers: constant(2),
    prog: uint,
    vers: uint,
    proc: uint,
    cred: opaque_auth,
    verf: opaque_auth,
    args,
  });
  const reply_data = union(
    "stat",
    accept_stat,
    { [SUCCESS]: { results }, [PROG_MISMATCH]: { mismatch_info } },
    voidType,
  );
  const accepted_reply = struct({ verf: opaque_auth, reply_data });
  const reply_body = union("stat", reply_stat, {
    [MSG_ACCEPTED]: { areply: accepted_reply },
    [MSG_DENIED]: { rreply: rejected_reply },
  });
  return struct({
    xid: uint,
    body: union("mtype", msg_type, { [CALL]: { cbody: call_body }, [REPLY]: { rbody: reply_body } }),
  });
}
export type rpc_msg<Args, Results> = Infer<ReturnType<typeof rpc_msg<Args, Results>>>;
