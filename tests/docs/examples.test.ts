// Every export is documented completely, and the examples in the documentation compile, run and state the right
// results.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { API } from "typescript/unstable/async";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { type Documented, entryPoints, problems, readEntries } from "./api.ts";
import { type Example, ExampleProject, examplesOf, type Failures, type RunOptions } from "./examples.ts";
import { exampleCode, parseDocs, STATED } from "./markdown.ts";
import { type Snippet, snippets } from "./pages.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** How many programs run in parallel. */
const AT_ONCE = 4;

const javaScript = new Bun.Transpiler({ loader: "js" });
const api = new API({ cwd: `${import.meta.dir}/../..` });
const entries = await readEntries(api);
const documented = entries.flatMap((entry) => entry.documented);
const examples = entries.flatMap(examplesOf);
const guides = await snippets();
const guidesWithResults = guides.filter(({ code }) => STATED.test(code));

describe("the documentation", () => {
  test("is read for every entry point in package.json", async () => {
    const inIndex = ["whereabouts/client", "whereabouts/codec", "whereabouts/server"];
    const names = ["whereabouts", ...inIndex, "whereabouts/syncthing", "whereabouts/xdr", "whereabouts/xdr/compiler"];
    expect((await entryPoints()).map(([name]) => name).sort()).toEqual(names);
    expect(entries.map(({ name }) => name).sort()).toEqual(names);
    // "whereabouts" has the exports of these, and XDR as one namespace.
    const count = (name: string) => entries.find((entry) => entry.name === name)!.exports.size;
    expect(count("whereabouts")).toBe(inIndex.reduce((sum, name) => sum + count(name), 1));
    for (const name of names.slice(1)) expect(count(name)).toBeGreaterThan(8);
  });

  for (const { name, documented } of entries.filter(({ documented }) => documented.length > 0)) {
    test(`of ${name} is complete for every export`, () => {
      const incomplete = documented
        .map((item) => ({ item, found: problems(item) }))
        .filter(({ found }) => found.length > 0);
      expect(incomplete.map(({ item, found }) => `${item.where} ${item.name}: ${found.join(", ")}`)).toEqual([]);
    });
  }

  test("must have @throws for a function that can throw, itself or through functions that it calls", () => {
    const throwing = (name: string) => documented.find((item) => item.name === name)?.throws;
    expect(throwing("createCodec")).toBe(true);
    expect(throwing("tryIpFromText")).toBe(true);
    expect(throwing("Discoverer.start")).toBe(true);
    expect(throwing("Discoverer.nodes")).toBe(false);
    expect(throwing("Codec.decode")).toBeUndefined();
  });

  test.each([
    ["no description", {}],
    ["no @param second", { docs: docs("It does.\n@param first - one\n@returns it"), returns: true }],
    ["@param other is not a parameter", { docs: docs("It does.\n@param first\n@param second\n@param other") }],
    ["no @param for a destructured parameter", { parameters: [undefined], docs: docs("It does.") }],
    ["no @returns", { docs: docs("It does.\n@param first\n@param second"), returns: true }],
    ["no @throws", { docs: docs("It does.\n@param first\n@param second"), throws: true }],
    ['neither a @throws nor the words "Never throws"', { docs: docs("It does."), throws: undefined }],
    ["no @example", { docs: docs("It does.") }],
    ["an @example that is not one block of ```ts", { docs: docs("It does.\n@example\nit();") }],
    [
      "an @example without a result: `expression; // => value`, or `// throws Error`",
      { docs: docs("It does.\n@example\n```ts\nit(); // 3\n```") },
    ],
  ] as [string, Partial<Documented>][])("has a problem: %s", (problem, item) => {
    const base: Documented = {
      entry: "whereabouts",
      name: "it",
      where: "src/it.ts:1",
      kind: "function",
      docs: undefined,
      parameters: ["first", "second"],
      returns: false,
      throws: false,
    };
    expect(problems({ ...base, ...item })).toContain(problem);
  });

  test("may have an @ in a code block, which does not start a tag", () => {
    const { tags } = docs("It does.\n@example\n```ts\n@it // => 1\n```\n@returns it");
    expect(tags.map(({ name }) => name)).toEqual(["example", "returns"]);
    expect(exampleCode(tags[0]!.text)).toBe("@it // => 1");
  });
});

/** Examples that must fail, with the expected error. */
const BROKEN = [
  ['const port: number = "22000";\nport; // => 22000', "port is '22000', not 22000"],
  ["1 + 1; // => 3", "1 + 1 is 2, not 3"],
  ["const two = 1 + 1; // => 3", "two is 2, not 3"],
  ["if (Date.now() < 0) {\n  1 + 1; // => 2\n}", "never reached 1 + 1"],
  ["process.exit(0);\n1 + 1; // => 2", "never reached 1 + 1"],
  ["1 + 1; // throws RangeError", "1 + 1 throws undefined, not RangeError"],
  ["null!.port; // throws RangeError", "not RangeError"],
  ["// => 3\n1 + 1;", "1 of 1 stated results do not follow a statement that has a result"],
  ['console.error("no");\n1 + 1; // => 2', "exit 0\nno"],
  ["void Promise.reject(new Error('late'));\n1 + 1; // => 2", "late"],
  ["setInterval(() => {}, 1000);\n1 + 1; // => 2", "it did not exit by itself"],
].map(([code, reason], i): [Example, string] => [
  { name: code!.replaceAll("\n", " "), file: `broken-${i}.ts`, code: code! },
  reason!,
]);

function docs(text: string) {
  return parseDocs(`/**\n * ${text.replaceAll("\n", "\n * ")}\n */`);
}

/** Snippets with an error that each of the two checks must find. */
const BROKEN_SNIPPETS: Snippet[] = [
  { name: "possibly undefined", file: "broken-snippet.ts", code: "[1][0].toFixed();\nexport {};\n", plain: true },
  { name: "a type in JavaScript", file: "broken-js.ts", code: "let a: number;\nexport {};\n", plain: true },
];

/** Whether an example sends to the LAN. Such examples run in a network namespace, not on the machine's own LAN. */
function needsLan({ code }: Example): boolean {
  return code.includes("Discoverer.start(") && !code.includes("lan: false");
}

describe("the examples", () => {
  const project = new ExampleProject();
  const runs = new Map<Example, Promise<Failures>>();
  let hosts: Awaited<ReturnType<typeof twoHosts>> | undefined;

  beforeAll(async () => {
    const broken = [...BROKEN.map(([example]) => example), ...BROKEN_SNIPPETS];
    await project.open(api, [...examples, ...guides, ...broken]);
    if (hasNetns) hosts = await twoHosts();
    const queues: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
    const add = (group: readonly Example[], options: RunOptions) => {
      const i = runs.size % AT_ONCE;
      const run = queues[i]!.then(() => project.run(group, options));
      queues[i] = run.catch(() => {});
      for (const example of group) runs.set(example, run);
    };
    for (const [example] of BROKEN) add([example], { timeout: 5_000 });
    // An example that opens sockets gets a process of its own, which must exit by itself. The others share one process.
    const quiet = examples.filter(({ code }) => !code.includes("await using ") && !code.includes(".start("));
    add(quiet, {});
    add(guidesWithResults, {});
    for (const example of examples.filter((example) => !quiet.includes(example))) {
      if (!needsLan(example)) add([example], {});
      else if (hosts !== undefined) add([example], { wrap: (command) => hosts!.a.command(command) });
    }
  });

  afterAll(async () => {
    await Promise.allSettled(runs.values());
    await hosts?.[Symbol.asyncDispose]();
    await project[Symbol.asyncDispose]();
    await api.close();
  });

  for (const example of examples) {
    const canRun = !needsLan(example) || hasNetns;
    testIf(canRun, NEEDS_NETNS)(
      `${example.name} compiles, runs and states the right results`,
      async () => {
        expect(await project.errors(example)).toEqual([]);
        expect((await runs.get(example)!).get(example)).toBeUndefined();
      },
      TEST_LIMIT_MS,
    );
  }

  for (const snippet of guides) {
    test(`the code in ${snippet.name} compiles as strict TypeScript, and as JavaScript if it is marked as that`, async () => {
      expect(await project.errors(snippet)).toEqual([]);
      if (snippet.plain) javaScript.transformSync(snippet.code);
    });
  }

  for (const snippet of guidesWithResults) {
    test(`the code in ${snippet.name} runs and states the right results`, async () => {
      expect((await runs.get(snippet)!).get(snippet)).toBeUndefined();
    });
  }

  test("code in README.md is checked, and an error in such code is found", async () => {
    expect(guides.map(({ name }) => name)).toContainEqual(expect.stringContaining("README.md"));
    const [unchecked, typed] = BROKEN_SNIPPETS;
    expect(await project.errors(unchecked!)).toEqual(["[1][0].toFixed();: Object is possibly 'undefined'."]);
    expect(() => javaScript.transformSync(typed!.code)).toThrow();
  });

  test("are type-checked, and an error is reported with its line", async () => {
    const [example] = BROKEN[0]!;
    expect(await project.errors(example)).toEqual([
      `const port: number = "22000";: Type 'string' is not assignable to type 'number'.`,
    ]);
  });

  for (const [example, reason] of BROKEN) {
    test(`fail if a result is wrong or not reached: ${example.name}`, async () => {
      const failure = await runs.get(example)!.then((failures) => failures.get(example), String);
      expect(failure).toContain(reason);
    });
  }
});
