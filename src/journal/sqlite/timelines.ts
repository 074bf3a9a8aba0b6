/**
 * Which of a file's batches were written before the system's clock was set. Their times are those of the clock at that
 * time, so they need another shift than later ones. A row of the table `clock` is for the batches from number `first` on:
 * in which boot of the system they were written, and when that boot was, by the clock as it was set then.
 */
import type { Database } from "bun:sqlite";
import { type Boot, STEP_MS } from "./wall-clock.ts";

interface Timeline {
  readonly first: number;
  readonly boot: string;
  readonly booted: number;
}

export class Timelines {
  /** The last one first. */
  #rows: readonly Timeline[] = [];
  #boot: Boot = { id: "", at: 0 };

  /** @param boot - the current boot, by the clock as it is now */
  read(db: Database, boot: Boot): void {
    this.#boot = boot;
    const there = db.query("SELECT 1 FROM sqlite_schema WHERE name = 'clock'").get() !== null;
    this.#rows = there ? db.query<Timeline, []>("SELECT * FROM clock ORDER BY first DESC").all() : [];
  }

  /**
   * Records that batches after number `last` are written with the clock as it is now, and forgets the clocks of batches
   * that are gone.
   */
  begin(db: Database, boot: Boot, last: number): void {
    const covering = "SELECT max(first) FROM clock WHERE first <= (SELECT ifnull(min(id), ?) FROM batch)";
    db.run(`DELETE FROM clock WHERE first < (${covering})`, [last + 1]);
    this.read(db, boot);
    const latest = this.#rows[0];
    if (latest && latest.boot === boot.id && Math.abs(boot.at - latest.booted) <= STEP_MS) return;
    db.run("INSERT OR REPLACE INTO clock VALUES (?, ?, ?)", [last + 1, boot.id, boot.at]);
    this.read(db, boot);
  }

  /** How much to add to the times of batch number `id`. */
  shift(id: number): number {
    const row = this.#rows.find(({ first }) => first <= id);
    if (!row || row.boot !== this.#boot.id || row.boot === "") return 0;
    const shift = Math.round(this.#boot.at - row.booted);
    return Math.abs(shift) > STEP_MS ? shift : 0;
  }

  get shifted(): boolean {
    return this.#rows.some(({ first }) => this.shift(first) !== 0);
  }

  /** The largest shift. */
  get maxShift(): number {
    return Math.max(0, ...this.#rows.map(({ first }) => this.shift(first)));
  }
}
