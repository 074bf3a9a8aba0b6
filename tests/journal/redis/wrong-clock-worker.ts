/** A thread of a server whose clock is wrong (wrong-clock-server.ts). */
const { SKEW, SCRIPT } = process.env as { SKEW: string; SCRIPT: string };

const real = Date.now;
Date.now = () => real() + Number(SKEW);
// At once: the first message is there before an import is done.
require(new URL(SCRIPT).pathname);

export {};
