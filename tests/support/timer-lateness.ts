/** Watches its own timers until it is ended; prints how late the latest was, in ms. */
const TICK = 10;
let last = performance.now();
let latest = 0;
setInterval(() => {
  latest = Math.max(latest, performance.now() - last - TICK);
  last = performance.now();
}, TICK);

process.on("SIGTERM", () => {
  console.log(latest);
  process.exit(0);
});

export {};
