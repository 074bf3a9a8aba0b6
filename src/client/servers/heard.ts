/**
 * Which answers are believed. Anybody can send a datagram with the server's address as its source, but only the server sees
 * through which ports it was asked. So an attacker has to send to all ports, and also hits sockets that have asked nothing.
 *
 * 32 sockets are open. A query goes through two of them. An answer is believed if it has come to both of them, and to no socket
 * that has asked nothing, after all have listened for 50 ms. A datagram to a socket that has asked nothing proves an attack: for
 * ten minutes after the last one, queries go through 16 sockets.
 *
 * If forged answers hit the sockets in random order, the two get one before any other socket once in 496 times, and during an
 * attack the 16 before the other 16 once in 600 million times.
 */

/** How many sockets ask a query that is to be confirmed. */
export const ASKED = 2;
/** How many ask any query during an attack. */
export const ASKED_UNDER_ATTACK = 16;
/** How many are open: as many again that never ask. */
export const OPEN = 2 * ASKED_UNDER_ATTACK;
/** How long new sockets listen before an answer is believed, in ms: an attack that is going on hits them within this time. */
export const LISTEN_MS = 50;
/** How long an attack is assumed to go on after the last forged datagram, in ms. */
export const ATTACK_MS = 600_000;
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

  /** Whether the first `asked` sockets, and no others, have got this answer. */
  agreed(answer: string, asked: number): boolean {
    const all = 2 ** asked - 1;
    return ((this.#sockets.get(answer) ?? 0) & (UNASKED | all)) === all;
  }
}
