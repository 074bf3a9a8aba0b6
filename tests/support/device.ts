/** A device of Syncthing for tests: its certificate, and what it asks a server over HTTPS. */
import { deviceIdOfPem, deviceNodeId, formatDeviceId } from "../../src/syncthing/device-id.ts";
import { makeSelfSigned } from "../../src/syncthing/directory/self-signed.ts";
import { GlobalServer } from "../../src/syncthing/global/server.ts";
import { ascii } from "./packets.ts";

export class Device {
  readonly certificate: string;
  readonly key: string;
  /** 32 bytes. */
  readonly id: Uint8Array;
  /** 63 characters. */
  readonly text: string;
  /** Its NodeID in the protocol of 2013. */
  readonly nodeId: Uint8Array;

  constructor() {
    const { cert, key } = makeSelfSigned("syncthing");
    this.certificate = cert;
    this.key = key;
    this.id = deviceIdOfPem(cert);
    this.text = formatDeviceId(this.id);
    this.nodeId = ascii(deviceNodeId(this.id));
  }

  /** Announces addresses to the server with this URL. */
  async announce(url: string, ...addresses: string[]): Promise<void> {
    using server = new OpenServer(url, this);
    await server.announce(addresses);
  }

  /** The addresses that the server with this URL knows of the device; undefined if it does not know it. */
  async addresses(url: string): Promise<readonly string[] | undefined> {
    using server = new OpenServer(url, undefined);
    const reply = await server.lookup(this.id);
    return "addresses" in reply ? reply.addresses : undefined;
  }
}

/** A server that is closed at the end of a scope. */
class OpenServer extends GlobalServer implements Disposable {
  [Symbol.dispose](): void {
    this.close();
  }
}
