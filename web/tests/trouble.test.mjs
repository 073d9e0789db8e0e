// Bad days, as a person at the page meets them: a link that does not open, no place left, a server that is restarted in
// mid-interview. Each time the page says in plain words what is the matter, and what was begun goes on.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { startServer } from "./server.mjs";
import { until } from "./waiting.mjs";

const ALL_MAX_MS = 10 * 60_000;
/** A question is spoken, a server comes back. */
const WAIT_MAX_MS = 240_000;

let folder;
let server;
let browser;

before(
  async () => {
    folder = await workFolder("trouble");
    await writeFile(path.join(folder, "nothing.txt"), "");
    const settings = { VIVAVOCE_LIMITS__SESSIONS_MAX: "1", VIVAVOCE_PROVIDERS__LLM: "none" };
    // Nobody speaks here: any file stands for the microphone.
    [server, browser] = await Promise.all([startServer([], settings), startBrowser(path.join(folder, "nothing.txt"))]);
  },
  { timeout: ALL_MAX_MS },
);

after(
  async () => {
    await browser?.close();
    const end = await server?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    if (end !== undefined) assert.deepEqual(end, { code: 0, signal: null }, "the server ends well when it is told to");
  },
  { timeout: ALL_MAX_MS },
);

test("a link that does not open says why, in the server's words", { timeout: ALL_MAX_MS }, async (t) => {
  const { page } = await visitor(t, browser, server.base);
  const { id } = await made();
  await page.goto(`/interview/${id}#token=not.a.token`);
  await page.getByText("This link or token is not valid here.").waitFor();
});

test("a server that is restarted in mid-interview costs a pause, and is no end", { timeout: ALL_MAX_MS }, async (t) => {
  const { page } = await visitor(t, browser, server.base);
  const interview = await made();
  await join(page, interview);
  await connected(page);
  const question = page.getByTestId("question-text");
  await question.waitFor({ timeout: WAIT_MAX_MS });
  const asked = await question.innerText();

  await server.end();
  await page.getByText("The server is being restarted.").waitFor({ timeout: WAIT_MAX_MS });
  await keepShots(page, "30-restart");
  assert.match(page.url(), /\/interview\//, "an interview that goes on later has no report yet");
  await server.start();
  await connected(page);
  await until("the interview goes on at the same question", WAIT_MAX_MS, async () => (await question.innerText()) === asked);
  assert.equal((await server.get(`/api/v1/interviews/${interview.id}`)).status, "active");

  // What was kept stays on the page; what was typed into a line that was dead already is given back.
  const typed = page.getByTestId("typed");
  await write(page, "A mutex lets one thread in at a time.");
  await typed.getByText("written").waitFor({ timeout: WAIT_MAX_MS });
  server.freeze();
  await write(page, "A semaphore counts.");
  await typed.getByText("being sent").waitFor();
  await server.kill();
  await server.start();
  await connected(page);
  await page.getByTestId("told").getByText("Not everything that you wrote had arrived").waitFor({ timeout: WAIT_MAX_MS });
  assert.match(await page.getByTestId("text-input").inputValue(), /A semaphore counts\./);
  await page.getByTestId("captions").getByText("A mutex lets one thread in at a time.").waitFor();
  await keepShots(page, "32-given-back");

  // The only place is taken: whoever comes now is told so at once.
  const { page: next } = await visitor(t, browser, server.base);
  await join(next, await made());
  await next.getByTestId("not-yet").getByText("All places for interviews are taken").waitFor();
  await next.getByText("The interview could not begin yet").waitFor({ timeout: WAIT_MAX_MS });
  await keepShots(next, "31-no-place");
  await server.post(`/api/v1/interviews/${interview.id}/end`, {});
  await page.waitForURL(new RegExp(`/report/${interview.id}`), { timeout: WAIT_MAX_MS });
  await until("the place is free", WAIT_MAX_MS, async () => {
    await next.getByTestId("rejoin").click({ timeout: 1_000 }).catch(() => undefined);
    return (await next.getByTestId("connection").getAttribute("data-line")) === "open";
  });
});

/** Comes by the link, is refused the microphone, agrees. */
async function join(page, interview) {
  await page.goto(interview.join_url);
  await page.getByTestId("mic-allow").click();
  await page.getByTestId("text-only").click();
  await page.getByTestId("consent-check").check();
  await page.getByTestId("consent-continue").click();
}

/** Types an answer. */
async function write(page, words) {
  await page.getByTestId("text-input").fill(words);
  await page.getByTestId("text-send").click();
}

async function connected(page) {
  await page.locator('[data-testid="connection"][data-line="open"]').waitFor({ timeout: WAIT_MAX_MS });
}

async function made() {
  return server.post("/api/v1/interviews", {
    category: "backend",
    level: "middle",
    language: "en",
    job_position: "Back-end engineer",
    questions: 3,
    mode: "voice",
    purpose: "practice",
    room: "webrtc",
  });
}
