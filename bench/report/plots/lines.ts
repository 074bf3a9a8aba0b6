/** What plots of lines share. */
import { ROOM } from "../picture.ts";

/** Space for the labels of the upright axis, and for those at the ends of lines. */
export const LEFT = 40;
const ENDS = 84;
export const LINES_WIDTH = ROOM - LEFT - ENDS;

/** Puts the title of an upright axis above it, where it is read without turning the head. */
export const ABOVE = {
  titleAngle: 0,
  titleAlign: "left",
  titleAnchor: "start",
  titleBaseline: "bottom",
  titleX: -LEFT,
  titleY: -10,
} as const;

/** Moves values up where they are less than `gap` above the next lower one, so that labels beside them do not overlap. */
export function apart(values: readonly number[], gap: number): number[] {
  const moved = [...values];
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  order.forEach((i, rank) => {
    if (rank > 0) moved[i] = Math.max(values[i]!, moved[order[rank - 1]!]! + gap);
  });
  return moved;
}

/** Height of a label, with some space. */
const LABEL = 16;

/** The texts at the ends of lines. `high` is the value at the top of the upright axis, which is `height` long. */
export function ends<End extends { readonly value: number }>(
  given: readonly End[],
  high: number,
  height: number,
): End[] {
  const moved = apart(
    given.map(({ value }) => value),
    (high * LABEL) / height,
  );
  return given.map((end, i) => ({ ...end, value: moved[i]! }));
}
