/**
 * The packets that the client sends and receives. It uses the TypeScript codec's functions without the checks of arguments and
 * without what it does not need, so that it stays small.
 */
import { ANNOUNCEMENT_ID, QUERY_ID, STATUS_ANNOUNCEMENT } from "../../assembly/layout.ts";
import { announcedPort, parse, writeAnnouncementHeader, writeQueryHeader } from "../codec/packet.ts";
import { padded, readWord } from "../codec/words.ts";

/** Where the fields of an announcement are, in bytes from its start. */
export class AnnouncementFields {
  port = 0;
  readonly nodeIdOffset = ANNOUNCEMENT_ID;
  nodeIdLength = 0;
  ipOffset = 0;
  /** 0, 4 or 16. */
  ipLength = 0;

  /** Finds the fields of a datagram. Allocates nothing. @returns false if it is no announcement; the fields are then as before */
  find(datagram: Uint8Array): boolean {
    if (parse(datagram, 0, datagram.length) !== STATUS_ANNOUNCEMENT) return false;
    this.port = announcedPort(datagram, 0);
    this.nodeIdLength = readWord(datagram, ANNOUNCEMENT_ID - 4);
    this.ipOffset = ANNOUNCEMENT_ID + padded(this.nodeIdLength) + 4;
    this.ipLength = datagram.length - this.ipOffset;
    return true;
  }
}

/** @param nodeId - 1 to 1008 bytes */
export function encodeQuery(nodeId: Uint8Array): Uint8Array {
  const query = new Uint8Array(QUERY_ID + padded(nodeId.length));
  writeQueryHeader(query, 0, nodeId.length);
  query.set(nodeId, QUERY_ID);
  return query;
}

/**
 * An announcement without an IP: the receiver takes the source address of the datagram.
 *
 * @param nodeId - 1 to 1008 bytes
 * @param port - 0 to 65535
 */
export function encodeAnnouncement(nodeId: Uint8Array, port: number): Uint8Array {
  const announcement = new Uint8Array(ANNOUNCEMENT_ID + padded(nodeId.length) + 4);
  writeAnnouncementHeader(announcement, 0, port, nodeId.length);
  announcement.set(nodeId, ANNOUNCEMENT_ID);
  return announcement;
}
