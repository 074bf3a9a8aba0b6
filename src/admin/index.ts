export type {
  ErrorReply,
  HistoryReply,
  LimitedKey,
  LimitedReply,
  NodeIdReply,
  NodeReply,
  ProblemReply,
  ReadyReply,
  StatsEvent,
  StatsReply,
  WorkerReply,
} from "./api.ts";
export { type AdminOptionError, type AdminOptions, checkAdminOptions } from "./options.ts";
export { AdminServer } from "./server.ts";
