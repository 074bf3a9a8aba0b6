/** Lookups of Syncthing's devices, asked for over HTTPS and on the LAN. */
import type { Command } from "commander";
import { DiscoveryError } from "../../client/index.ts";
import { formatDeviceId, parseDeviceId } from "../../syncthing/device-id.ts";
import { parseGlobalUrl } from "../../syncthing/global/url.ts";
import type { DeviceAddresses } from "../../syncthing/index.ts";
import { startDeviceDiscoverer } from "../discoverer.ts";
import { errorText } from "../errors.ts";
import { type Style, showAge, styleFor } from "../terminal/style.ts";
import { concurrently } from "./concurrently.ts";
import { givenIds, type IdKind, IdLines } from "./input.ts";
import { type LookupFlags, printLookups } from "./run.ts";

/** Lookups at once. They share few connections, and the timeout of each begins when it has to wait for one. */
const MAX_AT_ONCE = 64;

/** Device IDs, with check characters and dashes however they were typed. */
const DEVICE_IDS: IdKind<string> = {
  noun: "device",
  name: "device ID",
  longest: 255,
  parse: (bytes) => formatDeviceId(parseDeviceId(new TextDecoder().decode(bytes))),
};

/** The result for one device. */
export interface DeviceResult {
  readonly deviceId: string;
  /** `undefined`: not found. */
  readonly place: DeviceAddresses | undefined;
  /** Why nobody could be asked. */
  readonly error?: DiscoveryError | undefined;
}

export async function lookUpDevices(texts: readonly string[], flags: LookupFlags, command: Command): Promise<void> {
  const { servers, lan, json, timeout } = flags;
  if (!lan && servers.every((server) => !parseGlobalUrl(server).looksUp)) {
    command.error("error: nowhere to look: the URL of each server has the option nolookup", { exitCode: 2 });
  }
  const given = givenIds(texts, DEVICE_IDS, command);
  const style = styleFor(process.stdout);
  await using discoverer = await startDeviceDiscoverer({ servers, lan }, command);
  const lookUp = async (deviceId: string): Promise<DeviceResult> => {
    try {
      return { deviceId, place: await discoverer.lookup(deviceId, { timeout }) };
    } catch (error) {
      if (error instanceof DiscoveryError) return { deviceId, place: undefined, error };
      throw error;
    }
  };
  await printLookups({
    kind: DEVICE_IDS,
    given,
    lines: new IdLines(DEVICE_IDS),
    onError: (report) => void discoverer.on("error", report),
    lookUp: (ids) => concurrently(ids, MAX_AT_ONCE, lookUp),
    found: ({ place }) => place !== undefined,
    show: (result) => (json ? deviceJson(result) : deviceLines(result, style, Date.now())),
    ...{ json, timeout, command },
  });
}

/** A line for the device, and under it one for each address: device IDs and addresses are too long to share lines. */
export function deviceLines({ deviceId, place, error }: DeviceResult, style: Style, now: number): string {
  const { bold, dim, green, yellow } = style;
  if (error !== undefined) return `${bold(deviceId)}  ${yellow("no server reached")}`;
  if (place === undefined) return `${bold(deviceId)}  ${yellow("not found")}`;
  const first = `${bold(deviceId)}  ${dim(`via ${place.via}  ${showAge(now - place.seenAt)}`)}`;
  return [first, ...place.addresses.map((address) => `  ${green(address)}`)].join("\n");
}

export function deviceJson({ deviceId, place, error }: DeviceResult): string {
  if (place === undefined) {
    return JSON.stringify({ deviceId, found: false, ...(error && { error: errorText(error) }) });
  }
  const { addresses, via, seenAt } = place;
  return JSON.stringify({ deviceId, found: true, addresses, via, seenAt });
}
