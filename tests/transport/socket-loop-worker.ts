/** Opens a socket and closes it, again and again, until its thread is terminated. */
import { parseAddress } from "../../src/transport/host.ts";
import { bindSocket } from "../../src/transport/socket.ts";
import type { SocketRecord } from "../../src/transport/socket-record.ts";

declare const self: Worker;

self.onmessage = ({ data: socketRecord }: MessageEvent<SocketRecord>) => {
  const address = parseAddress("127.0.0.1");
  for (;;) bindSocket({ address, port: 0, receiveBuffer: 1, socketRecord }).close();
};
