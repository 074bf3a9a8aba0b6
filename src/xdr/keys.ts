/** Checks for names that a caller may misspell: keys of options, names of events, environment variables. */

/** The maximum number of edits between a misspelled name and the name suggested for it. */
const MAX_EDITS = 3;

/**
 * The known name that the caller most probably meant.
 *
 * @returns the known name that takes the fewest edits (insert, delete or replace a letter, or swap two; case is
 *   ignored), or `undefined` if all take more than three edits, or more than half of the word's length
 */
export function nearestName(word: string, known: readonly string[]): string | undefined {
  const limit = Math.min(MAX_EDITS, Math.floor(word.length / 2));
  const distances = known.map((name) => edits(word.toLowerCase(), name.toLowerCase()));
  const least = Math.min(...distances);
  return least <= limit ? known[distances.indexOf(least)] : undefined;
}

/**
 * Rejects unknown keys of an object. Plain JavaScript would ignore them, and a misspelled option with them.
 *
 * @param what - what the error message calls the object, such as `options`
 * @throws {TypeError} if a key is unknown. The message names the first such key and the nearest known one
 */
export function checkKeys(what: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw new TypeError(`${what} has no key "${key}"${suggestion(key, known)}`);
  }
}

/** The end of an error message about an unknown name: `: did you mean "servers"?`, or a list of the known names. */
export function suggestion(word: string, known: readonly string[]): string {
  const name = nearestName(word, known);
  return name === undefined ? `: known are ${known.join(", ")}` : `: did you mean "${name}"?`;
}

/** Optimal string alignment distance. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, beforeLast[j - 2]! + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
