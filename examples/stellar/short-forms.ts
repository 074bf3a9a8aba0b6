/** Accounts and asset codes as Stellar's users write them, in place of their parts. */
import type { Json, ShortForm } from "./json.ts";
import { decodeStrkey, encodeStrkey } from "./strkey.ts";

/** Keys of the types CryptoKeyType and PublicKeyType. */
const ED25519 = 0;
const MUXED_ED25519 = 0x100;

/** `G…` */
const publicKey: ShortForm = {
  toJson: ({ ed25519 }) => encodeStrkey("G", ed25519),
  fromJson: (json) => ({ type: ED25519, ed25519: decodeStrkey("G", textOf(json)) }),
};

/** `G…`, or `M…` with an ID */
const muxedAccount: ShortForm = {
  toJson(account) {
    if (account.type === ED25519) return publicKey.toJson(account);
    const { ed25519, id } = account.med25519;
    const data = new Uint8Array(40);
    data.set(ed25519);
    new DataView(data.buffer).setBigUint64(32, id);
    return encodeStrkey("M", data);
  },
  fromJson(json) {
    if (!textOf(json).startsWith("M")) return publicKey.fromJson(json);
    const data = decodeStrkey("M", textOf(json));
    const id = new DataView(data.buffer, data.byteOffset).getBigUint64(32);
    return { type: MUXED_ED25519, med25519: { id, ed25519: data.subarray(0, 32) } };
  },
};

/** Letters and digits such as `USD`, without the zeros that fill the code up. Other bytes are in hex. */
function assetCode(length: number): ShortForm {
  return {
    toJson(bytes: Uint8Array) {
      const text = /^([A-Za-z\d]+)\0*$/.exec(String.fromCharCode(...bytes))?.[1];
      return text ?? bytes.toHex();
    },
    fromJson(json) {
      const text = textOf(json);
      const bytes = new Uint8Array(length);
      // Hex is twice as long as the longest code.
      if (text.length === 2 * length) bytes.set(Uint8Array.fromHex(text));
      else if (new RegExp(`^[A-Za-z\\d]{1,${length}}$`).test(text)) bytes.set(new TextEncoder().encode(text));
      else throw new Error(`expected 1 to ${length} letters and digits, got ${text}`);
      return bytes;
    },
  };
}

function textOf(json: Json): string {
  if (typeof json !== "string") throw new Error(`expected a string, got ${JSON.stringify(json)}`);
  return json;
}

/** The short forms by the names of the types. */
export const SHORT_FORMS: { readonly [type: string]: ShortForm } = {
  "stellar::PublicKey": publicKey,
  "stellar::MuxedAccount": muxedAccount,
  "stellar::AssetCode4": assetCode(4),
  "stellar::AssetCode12": assetCode(12),
};
