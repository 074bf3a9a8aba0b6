/** The pages of docs/ in the order of the navigation. Each page of docs/ is named here once: the build fails otherwise. */

export interface Page {
  /** The file in docs/, without `.md`. */
  readonly name: string;
  /** Its name in the navigation. The title of the page is its first heading. */
  readonly label: string;
  /** What a search engine shows below the title. */
  readonly description: string;
}

export interface Section {
  readonly label: string;
  readonly pages: readonly Page[];
}

const page = (name: string, label: string, description: string): Page => ({ name, label, description });

export const HOME = page(
  "index",
  "Home",
  "A discovery server for high load, a client for LAN and internet, and the codec of their protocol.",
);

export const SECTIONS: readonly Section[] = [
  {
    label: "Start",
    pages: [
      page("start", "Start", "From nothing to a running server, a client that finds another, or a decoded packet."),
    ],
  },
  {
    label: "Server",
    pages: [
      page(
        "server",
        "Run a server",
        "How to start, stop and watch a discovery server, and how to embed one in a program.",
      ),
      page("flags", "Flags", "Each flag of the server, its environment variable and its default."),
      page(
        "networks",
        "Networks",
        "Hosts with several addresses: where a server listens, and where its replies leave from.",
      ),
      page("limits", "Limits", "Rate limits, and how they keep forged packets from harming anyone."),
      page(
        "scaling",
        "Journals and scaling",
        "What a server keeps across restarts; several workers, and several servers.",
      ),
      page(
        "operations",
        "Operations",
        "How to install, secure, watch, tune and replace a server, and what to do when something is wrong.",
      ),
      page("admin", "Live page and API", "The admin server: live page, metrics for Prometheus, JSON for programs."),
      page(
        "performance",
        "Performance",
        "How much load one server takes, how that was measured, and how to size a host.",
      ),
      page(
        "reliability",
        "Reliability",
        "What a server does when a thread fails or stands still, on signals, and under a supervisor.",
      ),
      page(
        "xdp",
        "AF_XDP",
        "The transport that goes past the network stack of the kernel: when it helps, and what it needs.",
      ),
    ],
  },
  {
    label: "Client",
    pages: [
      page(
        "client",
        "Client",
        "Find the peers of a program on a LAN without a server, and elsewhere through discovery servers.",
      ),
    ],
  },
  {
    label: "Codec",
    pages: [
      page("codec", "Codec", "Packets to bytes and back: which backend to take when, and what it costs."),
      page(
        "codec-wasm",
        "The bare module",
        "codec.wasm for programs in Go, Rust, C and others: its memory and its functions.",
      ),
    ],
  },
  {
    label: "XDR",
    pages: [
      page("schemas", "XDR", "Types, encoders and strict decoders of XDR (RFC 4506), by schema or from .x files."),
    ],
  },
  {
    label: "Background",
    pages: [
      page("protocol", "Protocol", "The two packets, byte by byte, and what servers and clients do with them."),
      page(
        "architecture",
        "Architecture",
        "How a packet flows through a server, and how its memory is laid out, locked and repaired.",
      ),
      page(
        "syncthing",
        "Syncthing",
        "A discovery server for the devices of today's Syncthing, and a client that finds them.",
      ),
      page(
        "wireshark",
        "Wireshark",
        "See the packets in Wireshark and tshark, and decode captures on the command line.",
      ),
    ],
  },
];

export const PAGES: readonly Page[] = [HOME, ...SECTIONS.flatMap(({ pages }) => pages)];
