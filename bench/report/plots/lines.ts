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

/** Height of a label, with some space. */
const LABEL = 16;

/**
 * The texts at the ends of lines. Those that would overlap the next lower one are moved up.
 *
 * @param high - the value at the top of the upright axis, which is `height` long
 */
export function ends<End extends { readonly value: number }>(
  given: readonly End[],
  high: number,
  height: number,
): End[] {
  const gap = (high * LABEL) / height;
  let free = Number.NEGATIVE_INFINITY;
  const moved = new Map<End, End>();
  for (const end of given.toSorted((a, b) => a.value - b.value)) {
    const value = Math.max(end.value, free);
    moved.set(end, { ...end, value });
    free = value + gap;
  }
  return given.map((end) => moved.get(end)!);
}
