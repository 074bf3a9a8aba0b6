/** The results of Syncthing's requests in words, in the groups in which the page shows them. */

interface RequestGroup {
  readonly title: string;
  readonly meaning: string;
  /** Name of its colour, as in chart.css. */
  readonly color: string;
  readonly results: readonly string[];
}

export const REQUEST_GROUPS: readonly RequestGroup[] = [
  { title: "found", meaning: "a look-up that got addresses", color: "answered", results: ["found"] },
  { title: "not found", meaning: "a look-up of an unknown device", color: "unknown", results: ["not-found"] },
  { title: "new", meaning: "a new device announced itself", color: "announced", results: ["new"] },
  { title: "known", meaning: "a known device announced itself", color: "announced", results: ["known"] },
  { title: "limited", meaning: "over the limit of its source", color: "limited", results: ["limited"] },
  { title: "full", meaning: "a new device without room", color: "full", results: ["full"] },
  {
    title: "no certificate",
    meaning: "announced without a client certificate",
    color: "refused",
    results: ["no-certificate"],
  },
  {
    title: "invalid",
    meaning: "no request of the protocol, or cut off",
    color: "refused",
    results: ["bad-request", "bad-method", "too-long", "aborted"],
  },
  { title: "failed", meaning: "the server could not answer", color: "failed", results: ["busy", "error"] },
  { title: "ping", meaning: "a health check", color: "unknown", results: ["ping"] },
];
