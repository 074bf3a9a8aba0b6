/** Files that are imported as text. */
declare module "*.x" {
  const text: string;
  export default text;
}

/** Files that are compiled: see plugin.ts. */
declare module "compiled-xdr:*.x" {
  interface Codec {
    decode(bytes: Uint8Array): unknown;
    encode(value: unknown): Uint8Array;
  }
  export const TransactionEnvelope: Codec;
  export const if_counters: Codec;
}
