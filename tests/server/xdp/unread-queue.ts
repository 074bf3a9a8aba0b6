/**
 * Runs in a network namespace: lets the interface b0 put frames for port 22025 into a queue that nobody reads. Prints the number of
 * frames that have room, and for each line of its standard input the status.
 */
import { XdpControl } from "../../../src/transport/xdp/control.ts";
import type { XdpLoan } from "../../../src/transport/xdp/socket.ts";

const control = new XdpControl({ interface: "b0", port: 22025, addresses: ["::"], workers: 1, receiveBuffer: 1 });
const loan = Promise.withResolvers<XdpLoan>();
const borrower = { lend: loan.resolve, giveBack() {}, ended: Promise.resolve() };
control.offer(0, borrower);
const { region, number } = await loan.promise;
control.lent(0, number);
console.log(region.frames);
for await (const _ of console) console.log(JSON.stringify(control.status));
control.close();
