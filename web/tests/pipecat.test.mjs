// The Pipecat ecosystem's own client, unmodified, at the open door: it connects, gets ready, is heard, answered, and told of
// it. The providers are played by the program itself.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startBrowser, workFolder } from "./browser.mjs";
import { spokenFile } from "./microphone.mjs";
import { program, startServer } from "./server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const ALL_MAX_MS = 3 * 60_000;
/** Said into the microphone: Chromium takes a mere tone for noise and keeps it back. */
const WORDS = "An index makes a query faster, and a write slower.";

/** What a page of somebody else's would hold. */
const PAGE = `
import { PipecatClient, RTVIEvent } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";
window.seen = [];
const note = (name) => (data) => window.seen.push([name, data === undefined ? null : JSON.parse(JSON.stringify(data))]);
const callbacks = {};
for (const name of ["onConnected", "onBotReady", "onUserStartedSpeaking", "onUserStoppedSpeaking", "onUserTranscript",
  "onBotLlmStarted", "onBotLlmText", "onBotLlmStopped", "onBotStartedSpeaking", "onBotStoppedSpeaking", "onBotOutput",
  "onServerMessage", "onError", "onDisconnected"]) callbacks[name] = note(name);
window.client = new PipecatClient({
  transport: new SmallWebRTCTransport({ mediaManager: new WavMediaManager() }),
  enableMic: true,
  enableCam: false,
  callbacks,
});
window.client.on(RTVIEvent.TrackStarted, (track, who) => window.seen.push(["trackStarted", [track.kind, who?.local ?? null]]));
`;

let folder;
let providers;
let server;
let browser;
let site;

before(
  async () => {
    folder = await workFolder("pipecat");
    const microphone = path.join(folder, "words.wav");
    await spokenFile(WORDS, microphone);
    providers = spawn(program(), ["bench", "providers", "--listen", "127.0.0.1:0", "--final-ms", "50", "--token-ms", "50", "--audio-ms", "50"]);
    const [told] = await once(providers.stdout.setEncoding("utf8"), "data");
    const config = path.resolve(here, "../../config/bench.toml");
    const env = { VIVAVOCE_BENCH_URL: told.trim().split(" ").at(-1) };
    [server, browser] = await Promise.all([startServer(["--config", config], env), startBrowser(microphone)]);
    const bundled = await build({
      stdin: { contents: PAGE, resolveDir: here },
      bundle: true,
      write: false,
      format: "esm",
      logLevel: "error",
    });
    site = createServer((request, answer) => {
      const isScript = request.url === "/page.js";
      answer.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
      answer.end(isScript ? bundled.outputFiles[0].text : '<!doctype html><title>A client</title><script type="module" src="/page.js"></script>');
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
  },
  { timeout: ALL_MAX_MS },
);

after(
  async () => {
    await browser?.close();
    site?.close();
    const end = await server?.stop();
    providers?.kill();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    if (end !== undefined) assert.deepEqual(end, { code: 0, signal: null }, "the server ends well when it is told to");
  },
  { timeout: ALL_MAX_MS },
);

test("the unmodified client connects, talks and is told of it", { timeout: ALL_MAX_MS }, async () => {
  const context = await browser.newContext({ permissions: ["microphone"] });
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  await page.waitForFunction(() => window.client);
  await page.evaluate((url) => window.client.connect({ webrtcUrl: url, webrtcRequestParams: { endpoint: url } }), `${server.base}/api/offer`);
  const names = () => page.evaluate(() => window.seen.map(([name]) => name));
  // What a call back told, or that it was called at all.
  const seen = (name) =>
    page.waitForFunction(
      (wanted) => window.seen.filter(([known]) => known === wanted).map(([, told]) => told ?? true)[0] ?? null,
      name,
      { timeout: 30_000 },
    );
  try {
    assert.match((await (await seen("onBotReady")).jsonValue()).version, /^2\./);
    await seen("onBotStoppedSpeaking");
  } catch (error) {
    throw new Error(`${error.message}; seen: ${JSON.stringify(await page.evaluate(() => window.seen))}\n${server.log().slice(-4_000)}`);
  }
  const order = await names();
  const wanted = ["onUserStartedSpeaking", "onUserStoppedSpeaking", "onUserTranscript", "onBotLlmStarted", "onBotLlmText", "onBotStartedSpeaking", "onBotStoppedSpeaking"];
  const places = wanted.map((name) => order.indexOf(name));
  assert.ok(places.every((place, index) => place >= 0 && (index === 0 || places[index - 1] < place)), JSON.stringify(order));
  const words = await page.evaluate(() => window.seen.find(([name, data]) => name === "onUserTranscript" && data.final)[1]);
  // The played transcriber tells the pitch of whatever it hears.
  assert.match(words.text, /^tone \d+$/);
  assert.ok(!order.includes("onError"), JSON.stringify(await page.evaluate(() => window.seen)));
  // The reply came on a track of sound, and not only as words.
  const tracks = await page.evaluate(() => window.seen.filter(([name]) => name === "trackStarted").map(([, told]) => told));
  assert.ok(tracks.some(([kind, isOurs]) => kind === "audio" && isOurs !== true), JSON.stringify(tracks));
  await page.evaluate(() => window.client.disconnect());
  await page.waitForFunction(() => window.seen.some(([name]) => name === "onDisconnected"));
  await context.close();
});
