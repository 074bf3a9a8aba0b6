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
