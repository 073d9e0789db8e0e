// The program itself, on a free port, with a data directory of its own and the user's models.
// It must leave nothing behind: no process, no file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./waiting.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
/** Models are read and warmed; on a busy machine with a cold disk that takes its time. */
const READY_MAX_MS = 240_000;
/** Above the server's own time for closing (25 s). */
const STOP_MAX_MS = 60_000;
/** How much of what the server said is shown when it does not come up. */
const LOG_SHOWN_CHARS = 4_000;

/** The program under test. */
export function program() {
  const binary = path.resolve(process.env.VIVAVOCE_BIN || path.join(root, "target/release/vivavoce"));
  if (!existsSync(binary)) throw new Error(`${binary} is missing: build it with cargo build --release, or name one in VIVAVOCE_BIN`);
  return binary;
}

/** `options` are words after `serve`; `more` are environment variables over the tester's own. */
export async function startServer(options = [], more = {}) {
  const binary = program();
  const home = await mkdtemp(path.join(tmpdir(), "vivavoce-page-"));
  // Run as root, the server gives its database to another account, which has to get through to its folder.
  await chmod(home, 0o755);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const log = [];
  const env = environment(home);
  let child = null;
  let gone = null;
  let ended = null;
  // A test run that is broken off takes its server along.
  process.once("exit", () => child?.kill("SIGTERM"));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  /** Asks the server to end, as an operator does. */
  const end = async () => {
    if (gone === null) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MAX_MS);
      await ended;
      clearTimeout(timer);
    }
    return gone;
  };
  /** It stands still, and its line looks whole, until it is killed as by a power cut. */
  const freeze = () => child.kill("SIGSTOP");
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  /** Ends it for good: nothing is left of it. */
  const stop = async () => {
    await end();
    await stopDatabase(home);
    await rm(home, { recursive: true, force: true });
    return gone;
  };
  /** Starts it, with what an earlier run has left. */
  const start = async () => {
    gone = null;
    child = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, ...options], {
      env: { ...(await env), ...more },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => log.push(text));
    ended = once(child, "exit").then(([code, signal]) => (gone = { code, signal }));
    ended.catch(() => undefined);
    try {
      await until("the server is ready", READY_MAX_MS, async () => {
        if (gone !== null) throw new Error(`the server ended with ${JSON.stringify(gone)}`);
        return (await fetch(`${base}/readyz`).catch(() => null))?.ok;
      });
    } catch (error) {
      await stop();
      throw new Error(`${error.message}\n${log.join("").slice(-LOG_SHOWN_CHARS)}`);
    }
  };
  await start();
  const get = async (address) => {
    const response = await fetch(base + address);
    if (!response.ok) throw new Error(`GET ${address}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const post = async (address, json) => {
    const response = await fetch(base + address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(json),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${address}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  /** The program again, on the same data. */
  const run = async (words, input) => {
    const command = spawn(binary, words, { env: await env, stdio: ["pipe", "ignore", "pipe"] });
    const said = [];
    command.stderr.setEncoding("utf8").on("data", (text) => said.push(text));
    command.stdin.end(input);
    const [code] = await once(command, "exit");
    if (code !== 0) throw new Error(`${words.join(" ")}: ${said.join("")}`);
  };
  return { base, get, post, run, start, end, freeze, kill, stop, log: () => log.join("") };
}

/** This process's settings, but with an empty data directory and the server's own database. */
async function environment(home) {
  const { VIVAVOCE_HOME: shared, DATABASE_URL: _url, VIVAVOCE_DATA__DATABASE_URL: _own, ...rest } = process.env;
  const env = { ...rest, XDG_DATA_HOME: path.join(home, "data"), NO_COLOR: "1" };
  if (shared) {
    await symlink(path.resolve(shared, "cache"), path.join(home, "vivavoce"));
    env.XDG_CACHE_HOME = home;
  }
  return env;
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** A server that had to be killed leaves its database running. */
async function stopDatabase(home) {
  const file = path.join(home, "data/vivavoce/pg/data/postmaster.pid");
  const pid = Number((await readFile(file, "utf8").catch(() => "")).split("\n")[0]);
  if (!(pid > 1)) return;
  try {
    process.kill(pid, "SIGINT");
  } catch {
    return;
  }
  await until("the database has stopped", STOP_MAX_MS, () => !existsSync(file));
}
