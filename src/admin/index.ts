export type {
  HistoryReply,
  LimitedKey,
  LimitedReply,
  NodeReply,
  ProblemReply,
  ReadyReply,
  StatsEvent,
  StatsReply,
} from "./api.ts";
export { type AdminOptionError, type AdminOptions, checkAdminOptions } from "./options.ts";
export { AdminServer } from "./server.ts";
