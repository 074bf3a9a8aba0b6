// .github: what the workflows run exists, they have no more rights than they need, and the forms for issues are complete.
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { scripts } from "../../package.json";

const ROOT = join(import.meta.dir, "../..");

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
}
interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly permissions?: Record<string, string>;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: Record<string, string>;
  readonly concurrency: { readonly group: string };
  readonly jobs: Record<string, Job>;
}

async function parsed<T>(pattern: string): Promise<Map<string, { value: T; text: string }>> {
  const files = [...new Bun.Glob(`.github/${pattern}`).scanSync({ cwd: ROOT, dot: true })].sort();
  const texts = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
  return new Map(files.map((file, i) => [basename(file), { value: Bun.YAML.parse(texts[i]!) as T, text: texts[i]! }]));
}

const workflows = await parsed<Workflow>("workflows/*.yml");
const jobs = [...workflows].flatMap(([file, { value }]) =>
  Object.entries(value.jobs).map(([name, job]) => ({ name: `${file}: ${name}`, job, workflow: value })),
);
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })));

/** What of a shell command does not exist: scripts of package.json, and files of the checkout. */
function missingIn(command: string): string[] {
  const ran = [...command.matchAll(/\b(?:bun|npm|bun\.sh) run ([\w:]+)/g)].map(([, name]) => name!);
  const files = [...command.matchAll(/(?<![\w/])(?:\.ci|scripts)\/[\w./-]+/g)].map(([file]) => file);
  return [...ran.filter((name) => !(name in scripts)), ...files.filter((file) => !existsSync(join(ROOT, file)))];
}

describe("the workflows", () => {
  test("check each change, publish releases, and publish the docs", () => {
    expect([...workflows.keys()]).toEqual(["ci.yml", "docs.yml", "release.yml"]);
    expect(steps.map(({ step }) => step.run)).toEqual(
      expect.arrayContaining([".ci/run", expect.stringContaining(" run docs ")]),
    );
  });

  test("check each commit of main: only runs of one pull request share a group, in which a newer one ends the others", () => {
    const { group } = workflows.get("ci.yml")!.value.concurrency;
    expect(group).toContain("github.event_name == 'pull_request' && github.ref || github.run_id");
  });

  test("run only scripts and files that exist", () => {
    const missing = steps.flatMap(({ name, step }) => missingIn(step.run ?? "").map((what) => `${name}: ${what}`));
    expect(missing).toEqual([]);
    expect(missingIn("sh scripts/bun.sh run nothing && .ci/runs && bun run test && npm run nothing:else")).toEqual([
      "nothing",
      "nothing:else",
      ".ci/runs",
    ]);
  });

  test("run each action at one commit, with its version beside it, the same everywhere", () => {
    const pinned = new Map<string, string>();
    let count = 0;
    for (const { text } of workflows.values()) {
      for (const [, action, at] of text.matchAll(/uses: ([\w./-]+\/[\w-]+)@(.*)/g)) {
        count++;
        expect(at).toMatch(/^[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        expect(pinned.get(action!) ?? at).toBe(at);
        pinned.set(action!, at!);
      }
    }
    expect(count).toBe(steps.filter(({ step }) => step.uses !== undefined).length);
  });

  test("start without rights to write, keep no credentials in the checkout, and use no secret", () => {
    for (const { value, text } of workflows.values()) {
      expect(Object.values(value.permissions).filter((right) => right !== "read")).toEqual([]);
      expect(value.concurrency.group).toBeString();
      expect(text).not.toContain("secrets.");
    }
    for (const { step } of steps.filter(({ step }) => step.uses?.startsWith("actions/checkout@"))) {
      expect(step.with).toMatchObject({ "persist-credentials": false });
    }
  });

  test("end jobs that hang, and give each job its own rights where the workflow has none", () => {
    for (const { name, job, workflow } of jobs) {
      if (job.uses === undefined) expect(job["timeout-minutes"], name).toBeLessThanOrEqual(60);
      if (Object.keys(workflow.permissions).length === 0) expect(job.permissions, name).toBeDefined();
    }
  });

  test("publish a release after everything else has gone well: npm last but one, then the page at GitHub", () => {
    const { jobs, on } = workflows.get("release.yml")!.value;
    expect(on).toEqual({ push: { tags: ["v*"] } });
    const order = ["github"];
    for (let job = jobs.github!; job.needs !== undefined; job = jobs[job.needs]!) order.unshift(job.needs);
    expect(order).toEqual(["agree", "check", "package", "binaries", "npm", "github"]);
    expect(jobs.check!.uses).toBe("./.github/workflows/ci.yml");
    expect(workflows.get("ci.yml")!.value.on).toHaveProperty("workflow_call");
    // What JSR refuses must not hold up the page.
    expect(jobs.jsr!.needs).toBe("npm");
  });

  test("publish to npm the package that a job without rights has built and started, and run no other code with that right", () => {
    const { package: build, npm } = workflows.get("release.yml")!.value.jobs;
    const ran = (job: Job) => job.steps!.flatMap(({ run }) => run ?? []);
    const artifact = ({ steps }: Job, action: string) =>
      steps!.find(({ uses }) => uses?.startsWith(`actions/${action}-artifact@`))!.with!;
    expect(build!.permissions).toEqual({ contents: "read" });
    expect(ran(build!)).toEqual(["npm pack", expect.stringContaining('/whereabouts" --version')]);
    expect(artifact(build!, "upload")).toMatchObject({ name: "package", path: "whereabouts-*.tgz" });
    expect(artifact(npm!, "download")).toEqual({ name: "package" });
    expect(npm!.permissions).toEqual({ "id-token": "write" });
    expect(ran(npm!)).toEqual(["npm publish ./whereabouts-*.tgz"]);
  });

  test("publish only commits of main, and the page at GitHub when it has all files", () => {
    const { agree, github } = workflows.get("release.yml")!.value.jobs;
    const [checkout, onMain] = agree!.steps!;
    expect(checkout!.with).toMatchObject({ "fetch-depth": 0 });
    expect(onMain!.run).toBe("git merge-base --is-ancestor HEAD origin/main");
    const commands = github!.steps!.at(-1)!.run!.matchAll(/gh release (\w+)/g);
    expect([...commands].map(([, name]) => name)).toEqual(["view", "create", "upload", "edit"]);
  });

  test("put into a release every target that build:binary has", async () => {
    const built = steps.map(({ step }) => step.run ?? "").find((run) => run.includes("build:binary"))!;
    const help = await Bun.$`${process.execPath} scripts/binary.ts --help`.cwd(ROOT).text();
    const [, targets] = /^ +--target NAME +([^;]+);/m.exec(help)!;
    expect([...built.matchAll(/--target (\S+)/g)].map(([, target]) => target)).toEqual(targets!.split(", "));
  });
});

describe("the forms for issues", () => {
  test("have a name, a description, and questions with a label each", async () => {
    const forms = await parsed<{
      name: string;
      description: string;
      body: { type: string; id: string; attributes: { label: string } }[];
    }>("ISSUE_TEMPLATE/*.yml");
    const { contact_links: links } = forms.get("config.yml")!.value as unknown as {
      contact_links: Record<"name" | "url" | "about", string>[];
    };
    expect(links.map(({ url }) => basename(url))).toEqual(["SECURITY.md"]);
    forms.delete("config.yml");
    expect([...forms.keys()]).toEqual(["bug.yml", "idea.yml"]);
    for (const { value } of forms.values()) {
      expect([typeof value.name, typeof value.description]).toEqual(["string", "string"]);
      expect(value.body.length).toBeGreaterThan(1);
      for (const { type, id, attributes } of value.body) {
        expect(["textarea", "input"]).toContain(type);
        expect([typeof id, typeof attributes.label]).toEqual(["string", "string"]);
      }
    }
  });
});
