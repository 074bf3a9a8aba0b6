/** Bun gives a file that is imported so as its path. */
declare module "*.wasm" {
  const path: string;
  export default path;
}
