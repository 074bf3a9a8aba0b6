/** A worker thread of wrong-clock-server.ts. */
const { SKEW, SCRIPT } = process.env as { SKEW: string; SCRIPT: string };

const real = Date.now;
Date.now = () => real() + Number(SKEW);
// Not import(): it would finish after the first message to this worker.
require(new URL(SCRIPT).pathname);

export {};
