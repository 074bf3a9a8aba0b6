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
} from "./api.ts";
export { type AdminOptions, AdminServer } from "./server.ts";
