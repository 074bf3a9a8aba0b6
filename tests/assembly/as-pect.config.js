/**
 * Configuration of as-pect, used by scripts/aspect.ts together with as-pect.asconfig.json. There, `memoryBase` reserves the lowest
 * megabyte for the modules under test, whose header is at address 0. as-pect's compiler transform is omitted: it is only needed to
 * compare objects, which these specs do not do, and it works only with some compiler versions.
 */
export default {
  entries: ["tests/assembly/*.as.ts"],
  instantiate: (_memory, createImports, instantiate, binary) => instantiate(binary, createImports({})),
};
