/** The report as one HTML page: all plots and tables, in the colours of the reader's system. It makes no request. */
import { colour, FONT, MONO, styleSheet } from "../../scripts/pictures/theme.ts";
import type { Picture } from "./picture.ts";
import type { Runs } from "./pictures.ts";
import { tables } from "./tables.ts";

const STYLE = `
html{color-scheme:light dark;background:var(--page);color:${colour("ink")};font:16px/1.5 ${FONT}}
body{max-width:1080px;margin:0 auto;padding:16px}
h1{font-size:26px;margin:8px 0 16px}h2{font-size:18px;margin:28px 0 8px}
main{columns:2 480px;column-gap:16px}
figure{margin:0 0 16px;break-inside:avoid;padding:8px;border:1px solid ${colour("line")};border-radius:8px;background:${colour("panel")}}
figure svg{display:block;width:100%;height:auto}
pre{overflow-x:auto;padding:12px;border-radius:8px;background:${colour("panel")};font:13px/1.45 ${MONO}}
:root{--page:#fff}@media (prefers-color-scheme:dark){:root{--page:#0d1117}}
`;

export function page(runs: Runs, pictures: readonly Picture[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>Whereabouts: benches</title>
${styleSheet()}
<style>${STYLE}</style>
</head>
<body>
<h1>Whereabouts: what a packet costs</h1>
<main>
${pictures.map(({ svg }) => `<figure>${svg}</figure>`).join("\n")}
</main>
${Bun.markdown.html(tables(runs))}
</body>
</html>
`;
}
