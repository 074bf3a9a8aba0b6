/** The live page of the admin server. */
import uPlot from "uplot";
import type { StatsReply } from "../api.ts";

const response = await fetch("/api/stats");
const { received } = (await response.json()) as StatsReply;
document.querySelector("main p")!.textContent = `${received} packets`;
new uPlot({ width: 300, height: 200, series: [{}, {}] }, [[], []], document.querySelector("main")!);
