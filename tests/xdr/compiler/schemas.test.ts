// Whole schemas in the styles that are in use, and a large one.

import { expect, test } from "bun:test";
import { parseFilesSync } from "../../../src/xdr/compiler/index.ts";
import { largeSchema } from "./large-schema.ts";
import { bare, enumIn, parse, problems, structIn, typedefIn, unionIn } from "./parse.ts";

/** The sources in schemas/ by their names. */
const sources = Object.fromEntries(
  await Promise.all(
    ["nfs3.x", "sflow.x", "remote.x", "stellar/types.x", "stellar/entries.x", "stellar/contract.x"].map(
      async (file) => [file, await Bun.file(`${import.meta.dir}/schemas/${file}`).text()] as const,
    ),
  ),
);

function schemaOf(...files: string[]) {
  return parseFilesSync(files, (file) => sources[file]);
}

test("NFS version 3, as RFC 1813 has it", () => {
  const schema = schemaOf("nfs3.x");
  expect(schema.constants.map(({ name, value }) => `${name}=${value}`)).toEqual([
    "NFS3_FHSIZE=64",
    "NFS3_COOKIEVERFSIZE=8",
    "NFS3_WRITEVERFSIZE=8",
    "NFS_PROGRAM=100003",
    "NFS_V3=3",
    "NFSPROC3_NULL=0",
    "NFSPROC3_LOOKUP=3",
    "NFSPROC3_COUNT=99",
  ]);
  expect(schema.constants[0]?.docs).toBe("maximum size of a file handle");
  expect(schema.constants[6]?.docs).toBe("RFC 1813 §3.3.3");
  expect(enumIn(schema, "nfsstat3")).toMatchObject({
    docs: "What became of a call.",
    members: [
      { value: 0 },
      { docs: "not the owner" },
      { docs: "no such file\nor directory" },
      {},
      {},
      {},
      { value: 10008 },
    ],
  });
  expect(structIn(schema, "entry3")).toMatchObject({
    recursive: true,
    fields: [{}, {}, {}, { name: "nextentry", type: { kind: "optional", type: { kind: "ref", name: "entry3" } } }],
  });
  expect(unionIn(schema, "post_op_attr")).toMatchObject({
    switchOn: "bool",
    arms: [{ cases: [{ value: true }], field: { name: "attributes" } }, { cases: [{ value: false }] }],
  });
  expect(unionIn(schema, "mknoddata3")).toMatchObject({
    arms: [
      {
        cases: [
          { value: 4, name: "NF3CHR" },
          { value: 3, name: "NF3BLK" },
        ],
        field: { name: "device" },
      },
      {
        cases: [
          { value: 6, name: "NF3SOCK" },
          { value: 7, name: "NF3FIFO" },
        ],
        field: { name: "pipe_mode" },
      },
    ],
    otherwise: {},
  });
});

test("sFlow version 5", () => {
  const schema = schemaOf("sflow.x");
  const counters = structIn(schema, "if_counters");
  expect(counters.docs).toBe(
    "Generic counters of an interface: RFC 2233.\nopaque = counter_data; enterprise = 0; format = 1",
  );
  expect(counters.fields[3]?.docs).toBe("0 = unknown, 1 = full-duplex,\n2 = half-duplex, 3 = in, 4 = out");
  expect(counters.fields.map(({ type }) => type.kind)).toEqual([
    "uint",
    "uint",
    "uhyper",
    "uint",
    "uint",
    "uhyper",
    "uint",
    "uhyper",
    "uint",
  ]);
  expect(schema.types.at(-1)?.name).toBe("sample_datagram_type");
  expect(schema.types.every(({ recursive }) => !recursive)).toBeTrue();
});

test("the protocol of libvirt, with constants from a header of C", () => {
  const names = ["INT", "UINT", "LLONG", "ULLONG", "DOUBLE", "BOOLEAN", "STRING"];
  const params = Object.fromEntries(names.map((name, index) => [`VIR_TYPED_PARAM_${name}`, index + 1]));
  const source = { "remote.x": sources["remote.x"]! };
  expect(problems(source)).toContain("remote.x:27:28 there is no constant VIR_UUID_BUFLEN");
  const schema = parse(source, { defines: { ...params, VIR_UUID_BUFLEN: 16 } });
  expect(bare(typedefIn(schema, "remote_string"))).toMatchObject({
    docs: "A long string, which may be NULL.",
    type: { kind: "optional", type: { kind: "ref", name: "remote_nonnull_string" } },
  });
  expect(structIn(schema, "remote_node_get_info_ret")).toMatchObject({
    docs: "insert@1",
    fields: [{ type: { kind: "fixedArray", element: { kind: "int" }, count: 32 } }, {}, {}],
  });
  const union = unionIn(schema, "remote_typed_param_value");
  expect(union.arms.map(({ cases }) => `${cases[0]?.name}=${cases[0]?.value}`).at(-1)).toBe("VIR_TYPED_PARAM_STRING=7");
  expect(enumIn(schema, "remote_procedure").members.map(({ docs }) => docs)).toEqual([
    "@generate: none\n@acl: none",
    "@generate: both",
  ]);
});

test("the types of Stellar, in files that use each other", () => {
  const schema = schemaOf("stellar/contract.x", "stellar/entries.x", "stellar/types.x");
  expect(schema.types.filter(({ recursive }) => recursive).map(({ path }) => path.join("."))).toEqual([
    "SCVec",
    "SCMap",
    "SCVal",
    "SCMapEntry",
    "ClaimPredicate",
  ]);
  expect(enumIn(schema, "stellar::PublicKeyType").members).toMatchObject([
    { name: "PUBLIC_KEY_TYPE_ED25519", value: 0 },
  ]);
  expect(unionIn(schema, "stellar::AccountEntry.ext.v1.ext").arms).toMatchObject([
    { cases: [{ value: 0 }] },
    { cases: [{ value: 2 }], field: { name: "numSponsored", type: { kind: "ref", name: "stellar::uint32" } } },
  ]);
  const account = structIn(schema, "stellar::AccountEntry");
  expect(account.fields.map(({ docs }) => docs)).toEqual([
    "master public key for this account",
    "in stroops",
    "number of sub-entries this account has\ndrives the reserve",
    "Account to vote for during inflation",
    "can be used for reverse federation and memo lookup",
    undefined,
    "reserved for future use",
  ]);
  expect(unionIn(schema, "stellar::Asset").arms[0]).toEqual({
    cases: [{ value: 0, name: "ASSET_TYPE_NATIVE" }],
    docs: "Not credit",
  });
  expect(unionIn(schema, "stellar::InvokeResult")).toMatchObject({
    docs: "The result of a call.",
    arms: [
      { cases: [{ value: 0 }] },
      { cases: [{ value: -1 }, { value: -2 }], field: { type: { kind: "array", maximum: 20 } } },
    ],
    otherwise: {},
  });
});

test("a large schema of 400 types in a dozen files has all that schemas have", () => {
  const files = largeSchema();
  expect(Object.keys(files)).toHaveLength(12);
  const { types, constants } = parse(files);
  expect(types.filter(({ path }) => path.length === 1)).toHaveLength(400);
  expect(constants).toHaveLength(12);
  const unions = types.filter((type) => type.kind === "union");
  const count = (found: readonly unknown[]) => found.length;
  expect(count(types.filter(({ recursive }) => recursive))).toBeGreaterThan(100);
  expect(count(types.filter(({ path }) => path.length > 1))).toBeGreaterThan(100);
  expect(count(types.filter(({ path }) => path.length > 2))).toBeGreaterThan(10);
  expect(count(unions.filter(({ otherwise }) => otherwise))).toBeGreaterThan(30);
  expect(count(unions.filter(({ arms }) => arms.some(({ cases }) => cases.length > 1)))).toBeGreaterThan(30);
  expect(new Set(unions.map(({ switchOn }) => switchOn))).toEqual(new Set(["int", "uint", "bool", "enum"]));
  expect(new Set(types.map(({ kind }) => kind))).toEqual(new Set(["enum", "struct", "union", "typedef"]));
  expect(new Set(types.map(({ namespace }) => namespace)).size).toBe(12);
  // The order of the files does not matter.
  const backwards = parse(Object.fromEntries(Object.entries(files).reverse()));
  const sorted = (list: typeof types) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(sorted(backwards.types)).toEqual(sorted(types));
});
