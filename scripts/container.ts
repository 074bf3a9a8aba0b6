/**
 * Runs the steps of deploy/docker/Dockerfile without Docker: `bun run try:container`. Needs root, debootstrap and unshare.
 *
 * In place of the distroless image it takes a small Debian, made by debootstrap in a folder that is removed afterwards (half a
 * minute, 250 MB). In it, in a network namespace of its own, it starts the server as the Dockerfile's user, waits until the
 * HEALTHCHECK succeeds, looks up a node, and stops the server.
 */
import { chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dir, "..");
const READY_MS = 30_000;

function run(command: readonly string[], cwd = root): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd, stdout: "ignore" });
  if (exitCode !== 0) throw new Error(`${command[0]} failed (exit ${exitCode}): ${stderr}`);
}

/** The instructions of the last stage, in order: `["USER", "65532:65532"]`. */
function lastStage(): [string, string][] {
  const lines = readFileSync(join(root, "deploy/docker/Dockerfile"), "utf8").split("\n");
  const from = lines.findLastIndex((line) => line.startsWith("FROM "));
  return lines.slice(from + 1).flatMap((line) => {
    const match = /^([A-Z]+) (.+)$/.exec(line);
    return match ? [[match[1]!, match[2]!] as [string, string]] : [];
  });
}

const stage = lastStage();
const value = (name: string) => stage.find(([instruction]) => instruction === name)![1];
const array = (text: string): string[] => JSON.parse(text.slice(text.indexOf("[")));

const folder = mkdtempSync(join(tmpdir(), "whereabouts-container-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
const image = join(folder, "image");
const built = join(folder, "out");

console.log("the stage `build`: bun run build:binary");
const source = join(folder, "source");
const context = readFileSync(join(root, ".dockerignore"), "utf8").match(/^!.+$/gm)!;
for (const pattern of context) {
  for (const path of new Bun.Glob(pattern.slice(1)).scanSync({ cwd: root, onlyFiles: false })) {
    cpSync(join(root, path), join(source, path), { recursive: true });
  }
}
run([process.execPath, "run", "build:binary", "--target", process.arch, "--out", built], source);
copyFileSync(join(built, `whereabouts-${process.arch}`), join(built, "whereabouts"));
mkdirSync(join(built, "state"));

console.log("the image: debootstrap");
run(["debootstrap", "--variant=minbase", "bookworm", image]);

for (const [, text] of stage.filter(([instruction]) => instruction === "COPY")) {
  const owner = /--chown=(\d+):(\d+)/.exec(text);
  const [from, to] = text.replaceAll(/--\S+ /g, "").split(" ") as [string, string];
  const target = join(image, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(from.replace("/out", built), target, { recursive: true });
  if (owner) chownSync(target, Number(owner[1]), Number(owner[2]));
}

const environment = stage.filter(([name]) => name === "ENV").map(([, text]) => text);
const inside = (command: readonly string[]) => [
  ...["chroot", `--userspec=${value("USER")}`, image, "/usr/bin/env", "-i", ...environment],
  ...command,
];
// A network and mounts of its own: lo, the default ports, /proc and /dev, as in a container. It ends when its input does.
const set = 'ip link set lo up && mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && echo up && exec cat';
const shell = Bun.spawn(["unshare", "--net", "--mount", "sh", "-c", set, image], {
  stdin: "pipe",
  stdout: "pipe",
});
if (!(await shell.stdout.getReader().read()).value) throw new Error("no namespaces: run this as root");
const inNetwork = (command: readonly string[]) => [
  "nsenter",
  `--target=${shell.pid}`,
  "--net",
  "--mount",
  ...inside(command),
];

const binary = array(value("ENTRYPOINT"));
const server = Bun.spawn(inNetwork([...binary, ...array(value("CMD"))]), { stdout: "inherit", stderr: "inherit" });
try {
  const check = array(value("HEALTHCHECK"));
  const end = performance.now() + READY_MS;
  while (Bun.spawnSync(inNetwork(check)).exitCode !== 0) {
    if (server.exitCode !== null) throw new Error("the server has ended");
    if (performance.now() > end) throw new Error(`the health check failed for ${READY_MS / 1000} s`);
    await Bun.sleep(200);
  }
  console.log("HEALTHCHECK: healthy");
  const announce = Bun.spawn(
    inNetwork([...binary, "announce", "--id", "NODE", "--port", "1", "--server", "127.0.0.1"]),
    {
      stdout: "pipe",
    },
  );
  for await (const _ of announce.stdout) break;
  run(inNetwork([...binary, "lookup", "NODE", "--server", "127.0.0.1"]));
  console.log("lookup: found");
  announce.kill();
  await announce.exited;
} finally {
  server.kill("SIGTERM");
  const code = await server.exited;
  shell.stdin.end();
  await shell.exited;
  console.log(`the server ended with exit code ${code}`);
}
