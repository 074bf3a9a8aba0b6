/** A program for Node: twenty wait for one signal, and ten of them stop waiting. Prints how many were called. */
import { onAbort } from "../../src/client/abort.ts";

const controller = new AbortController();
let called = 0;
const undo = Array.from({ length: 20 }, () => onAbort(controller.signal, () => called++));
for (const one of undo.slice(10)) one();
controller.abort();
// Warnings are printed later.
setImmediate(() => console.log(called));
