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
export type { AdminOptions } from "./options.ts";
export { AdminServer } from "./server.ts";
