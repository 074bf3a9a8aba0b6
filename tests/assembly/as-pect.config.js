/**
 * How as-pect finds and runs the specs; scripts/aspect.ts names this file and as-pect.asconfig.json. There, `memoryBase`
 * leaves the low megabyte to the modules under test, whose header is at 0. as-pect's compiler transform is left out: it
 * serves comparisons of objects, of which these specs have none, and fits only some versions of the compiler.
 */
export default {
  entries: ["tests/assembly/*.as.ts"],
  instantiate: (_memory, createImports, instantiate, binary) => instantiate(binary, createImports({})),
};
