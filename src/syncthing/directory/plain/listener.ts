import { createCounters } from "../counters.ts";
export class PlainListener {
  port = 0;
  counters = createCounters();
  static async listen(_: unknown): Promise<PlainListener> {
    return new PlainListener();
  }
  async close(): Promise<void> {}
}
