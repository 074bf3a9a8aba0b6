/** Control process: measures how late its own timers are until SIGTERM, then prints the largest delay in ms. */
const TICK = 10;
let last = performance.now();
let largest = 0;
setInterval(() => {
  largest = Math.max(largest, performance.now() - last - TICK);
  last = performance.now();
}, TICK);

process.on("SIGTERM", () => {
  console.log(largest);
  process.exit(0);
});

export {};
