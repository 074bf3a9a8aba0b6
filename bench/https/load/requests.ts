/** Requests of global discovery, as Syncthing sends them directly or nginx passes them on. */
import { deviceIdOf, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Certificates } from "../certificate.ts";

/** What nginx adds for a client. */
const FORWARDED = "X-Forwarded-For: 192.0.2.7\r\nX-Client-Port: 40000\r\n";
const COMMON = "Host: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n";

export class Requests {
  readonly #certificates = new Certificates();
  /** The device ID of device `n`. */
  deviceId(n: number): string {
    return formatDeviceId(deviceIdOf(this.#certificates.der(n)));
  }

  /** Certificate and key of device `n`, for a handshake. */
  client(n: number): { cert: string; key: string } {
    return { cert: this.#certificates.pem(n), key: this.#certificates.key };
  }

  /** @param proxied - whether it comes from nginx */
  lookUp(n: number, proxied: boolean): Buffer {
    const headers = proxied ? FORWARDED : "";
    return Buffer.from(`GET /v2/?device=${this.deviceId(n)} HTTP/1.1\r\n${COMMON}${headers}\r\n`, "latin1");
  }

  /** An announcement as the client of {@link client} sends it, or as nginx passes it on. */
  announcement(n: number, proxied: boolean): Buffer {
    const certificate = proxied ? `X-SSL-Cert: ${encodeURIComponent(this.#certificates.pem(n))}\r\n${FORWARDED}` : "";
    const body = JSON.stringify({ addresses: addressesOf(n) });
    const head = `POST /v2/ HTTP/1.1\r\n${COMMON}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    return Buffer.from(`${head}${certificate}\r\n${body}`, "latin1");
  }
}

/** Two addresses, as most devices have. */
export function addressesOf(n: number): string[] {
  const host = `198.${18 + (n >>> 16)}.${(n >>> 8) & 0xff}.${n & 0xff}:22000`;
  return [`tcp://${host}`, `quic://${host}`];
}
