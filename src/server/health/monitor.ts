/**
 * Looks once a second at what may be wrong with a server. What it finds is what `problems()` says, and what the log says when
 * a problem begins and when it is over.
 */
import { getLogger } from "@logtape/logtape";
import type { Problem } from "../inspect.ts";
import { devicesFull, httpsThreads } from "./rules/https.ts";
import { journalErrors, journalLate, journalLossy } from "./rules/journal.ts";
import { limits } from "./rules/limits.ts";
import { clock, kernelDrops, receiveBuffer, unsent } from "./rules/network.ts";
import { registryFull, workers } from "./rules/registry.ts";
import type { Rule, Sample } from "./rules/rule.ts";
import { xdp } from "./rules/xdp.ts";

const logger = getLogger(["whereabouts", "server"]);

const RULES: readonly (() => Rule)[] = [
  registryFull,
  journalLate,
  journalErrors,
  journalLossy,
  limits,
  kernelDrops,
  unsent,
  workers,
  devicesFull,
  httpsThreads,
  receiveBuffer,
  xdp,
  clock,
];

export class Monitor {
  readonly #states = RULES.map((rule) => ({ rule: rule(), problem: undefined as Problem | undefined }));

  /** To be called once a second. */
  look(sample: Sample): void {
    for (const state of this.#states) {
      const { rule, problem: before } = state;
      const finding = rule.look(sample);
      const since = before?.since ?? Date.now();
      state.problem = finding && { code: rule.code, severity: finding.severity, text: finding.text, since };
      const isNew = finding !== undefined && (before === undefined || finding.again === true);
      const over = before !== undefined && finding === undefined ? rule.over?.(sample) : undefined;
      if (isNew && rule.logs !== false) logger[finding.severity]("{text}", { text: finding.text, problem: rule.code });
      if (over !== undefined) logger.info("{text}", { text: over, problem: rule.code });
    }
  }

  /** Errors first. */
  get problems(): readonly Problem[] {
    const all = this.#states.flatMap(({ problem }) => problem ?? []);
    return [
      ...all.filter(({ severity }) => severity === "error"),
      ...all.filter(({ severity }) => severity !== "error"),
    ];
  }
}
