/** A line that only separates, such as `-----` or `*****`. */
const RULE = /^[-=*#_~/]{3,}$/;

/** The text of comments, without their marks and their common indentation. Empty if nothing is left. */
export function textOf(comments: readonly string[]): string {
  if (comments.length === 0) return "";
  const lines = comments.flatMap((comment) => (comment.startsWith("//") ? [lineText(comment)] : blockLines(comment)));
  const kept = lines.map((line) => line.trimEnd()).filter((line) => !RULE.test(line.trim()));
  while (kept[0] === "") kept.shift();
  while (kept.at(-1) === "") kept.pop();
  return kept.join("\n");
}

function lineText(comment: string): string {
  return comment.replace(/^\/\/[/!]*<? ?/, "");
}

function blockLines(comment: string): string[] {
  const [first = "", ...rest] = comment
    .slice(2, -2)
    .replace(/^[*!]+<?/, "")
    .replace(/\*+$/, "")
    .split("\n");
  const starred = rest.length > 0 && rest.every((line) => /^\s*(\*|$)/.test(line));
  const bare = starred ? rest.map((line) => line.replace(/^\s*\*/, "")) : rest;
  const indents = bare.filter((line) => line.trim() !== "").map((line) => line.search(/\S/));
  const indent = indents.reduce((least, next) => Math.min(least, next), Number.POSITIVE_INFINITY);
  return [first.trim(), ...bare.map((line) => line.slice(indent))];
}
