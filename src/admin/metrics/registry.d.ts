/** prom-client's registry alone, which has no types of its own at this path. */
declare module "prom-client/lib/registry.js" {
  import { Registry } from "prom-client";

  export default Registry;
}
