/** All of Whereabouts, for Bun, but `whereabouts/syncthing`. */
export * from "./client/index.ts";
export * from "./codec/index.ts";
export * from "./server/index.ts";
export * as xdr from "./xdr/index.ts";
