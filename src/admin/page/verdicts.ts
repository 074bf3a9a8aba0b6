/** The verdicts in words, and the groups in which the charts show them. */

export interface VerdictGroup {
  /** Also the name of its colour: `--answered`. */
  readonly key: "answered" | "announced" | "unknown" | "limited" | "full" | "refused";
  readonly title: string;
  /** The verdicts, with what the datagram was. */
  readonly verdicts: Readonly<Record<string, string>>;
}

/** From the bottom of the stack to its top. */
export const GROUPS: readonly VerdictGroup[] = [
  { key: "answered", title: "answered", verdicts: { answered: "a query that got a reply" } },
  {
    key: "announced",
    title: "announced",
    verdicts: { stored: "a new node announced itself", refreshed: "a known node announced itself" },
  },
  { key: "unknown", title: "unknown", verdicts: { unknown: "a query for a node that is not known" } },
  {
    key: "limited",
    title: "limited",
    verdicts: {
      "limited-source": "over the limit of its source",
      "limited-node": "over the limit of the NodeID it asks for",
      "limited-new": "over its source’s limit of new nodes",
    },
  },
  { key: "full", title: "full", verdicts: { full: "a new node without room in the registry" } },
  {
    key: "refused",
    title: "refused",
    verdicts: {
      malformed: "not a packet of the protocol",
      "refused-id": "its NodeID is empty or too long",
      "refused-port": "its port is 0",
      "refused-source": "announced from a link-local address",
      "refused-device": "announced a device that announces itself over HTTPS",
    },
  },
];

/** The index of a verdict's group. A verdict that this page does not know counts as refused. */
export function groupOf(verdict: string): number {
  const index = GROUPS.findIndex(({ verdicts }) => Object.hasOwn(verdicts, verdict));
  return index < 0 ? GROUPS.length - 1 : index;
}
