/**
 * Which answers are believed. Anybody can send a datagram with the server's address as its source, but only the server sees
 * through which ports it was asked. So an attacker has to send to all ports, and also hits sockets that have asked nothing.
 *
 * 24 sockets are open. A query goes through two of them, and an answer is believed if it has come to both of them and to none of
 * those that have not asked. A forged answer to one of the latter proves an attack: for two minutes after the last one, queries
 * go through eight sockets. If a forged answer hits all sockets in random order, it comes to the two before it comes to any other
 * once in 276 times, and to the eight before the other 16 once in 735,471 times.
 */

/** How many sockets ask a query that is to be confirmed, and during an attack one that is not. */
export const ASKED = 2;
/** How many ask a query that is to be confirmed during an attack. */
export const ASKED_UNDER_ATTACK = 8;
/** How many are open. */
export const OPEN = 24;
/** How long new sockets listen before an answer is believed, in ms: an attack that is going on hits some of them within this time. */
export const LISTEN_MS = 20;
/** How long an attack is assumed to go on after the last forged answer, in ms. */
export const ATTACK_MS = 120_000;
/** The most different answers to a query that are remembered. */
const MAX_ANSWERS = 1024;
const UNASKED = 2 ** ASKED_UNDER_ATTACK;

/** The answers to one query. */
export class Heard {
  /** By answer: a bit for each socket that has asked, and one for all that have not. */
  readonly #sockets = new Map<string, number>();

  add(answer: string, socket: number, unasked: boolean): void {
    this.#sockets.set(answer, (this.#sockets.get(answer) ?? 0) | (unasked ? UNASKED : 1 << socket));
    if (this.#sockets.size > MAX_ANSWERS) this.#sockets.delete(this.#sockets.keys().next().value!);
  }

  /** The query is sent again: an answer that came to the wrong sockets may now come to the right ones only. */
  retry(): void {
    for (const [answer, sockets] of this.#sockets) if (sockets >= UNASKED) this.#sockets.delete(answer);
  }

  /** Whether the first `asked` sockets, and no others, have got this answer. */
  agreed(answer: string, asked: number): boolean {
    const all = 2 ** asked - 1;
    return ((this.#sockets.get(answer) ?? 0) & (UNASKED | all)) === all;
  }
}
