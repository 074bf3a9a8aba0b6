/** Lines of cells as text for a terminal: columns of text are aligned to the left, those of numbers to the right. */
export function aligned(lines: readonly (readonly string[])[], isText: (column: number) => boolean): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (cell: string, column: number) =>
    isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}
