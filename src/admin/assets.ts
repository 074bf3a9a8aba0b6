/** The files of the live page. scripts/setup.ts builds them from page/. */
import { PAGE } from "../../build/page.ts";

export interface Asset {
  readonly contentType: string;
  /** Value of the header `ETag`: a hash of the content. */
  readonly etag: string;
  /** The content, compressed with gzip. */
  readonly gzip: Uint8Array<ArrayBuffer>;
}

const ASSETS: ReadonlyMap<string, Asset> = new Map(
  Object.entries(PAGE).map(([path, { gzip, ...rest }]) => [path, { ...rest, gzip: Uint8Array.fromBase64(gzip) }]),
);

/** The file of the page at a path such as `/` or `/main.js`. */
export function asset(path: string): Asset | undefined {
  return ASSETS.get(path);
}
