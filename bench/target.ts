/** A target for speed: what a bench must show. */
export interface Target {
  readonly text: string;
  readonly figure: number;
  /** The bound, and on which side of it the figure must be. */
  readonly bound: number;
  readonly side: "at least" | "at most";
}

function isReached({ figure, bound, side }: Target): boolean {
  return side === "at least" ? figure >= bound : figure <= bound;
}

export function targetLine(target: Target): string {
  const { text, figure, bound, side } = target;
  return `${isReached(target) ? "reached    " : "not reached"}  ${text}: ${figure.toFixed(2)} (${side} ${bound})`;
}
