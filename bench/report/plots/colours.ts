import type { Colour } from "../../../scripts/pictures/theme.ts";

/** One colour for each transport, in all plots. */
export const COLOURS = { udp: "orange", mmsg: "blue", xdp: "purple" } as const satisfies Record<string, Colour>;
