// An admin follows an interview whose connection breaks in between, ends it, adds a question to the bank, and looks at
// figures and people.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { startServer } from "./server.mjs";

const ALL_MAX_MS = 6 * 60_000;
const PASSWORD = "correct horse battery";

let folder;
let server;
let browser;

before(
  async () => {
    folder = await workFolder("admin");
    const silence = path.join(folder, "silence");
    await writeFile(silence, "");
    [server, browser] = await Promise.all([startServer(), startBrowser(silence)]);
    await server.run(["user", "add", "boss", "--email", "boss@example.org", "--admin"], PASSWORD);
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

/** The event log of an interview, broken off after the second event. */
async function playEvents(context) {
  const asked = [];
  const event = (seq, kind, payload) => `id: ${seq}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, kind, payload })}\n\n`;
  const first = event(1, "question_opened", { number: 1, key: "backend.idempotency" }) + event(2, "speech_ended", { heard: "What does idempotent mean?" });
  const rest = event(3, "utterance_transcribed", { text: "It is safe to repeat." }) + event(4, "replied", { stages: { first_sample_sent_ms: 640 } });
  await context.route("**/api/v1/interviews/*/events", async (route) => {
    asked.push((await route.request().allHeaders())["last-event-id"] ?? null);
    if (asked.length > 2) return; // as a stream that is quiet
    await route.fulfill({ status: 200, contentType: "text/event-stream", body: `retry: 200\n\n${asked.length === 1 ? first : rest}` });
  });
  return asked;
}

test("an admin at work", { timeout: ALL_MAX_MS }, async (t) => {
  const { context, page, wrong } = await visitor(t, browser, server.base);
  await page.goto("/account");
  await page.getByLabel("Username or e-mail").fill("boss");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByTestId("account").waitFor();
  const wish = { category: "backend", level: "junior", questions: 2, mode: "voice", purpose: "practice", room: "webrtc", title: "Ada, back end" };
  const made = await fetch(`${server.base}/api/v1/interviews`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wish) });
  assert.equal(made.status, 201);

  // Live: captions come, break off, and go on where they were.
  const asked = await playEvents(context);
  await page.goto("/");
  await page.getByTestId("to-admin").click();
  await page.getByTestId("interviews").getByRole("link", { name: "Ada, back end" }).click();
  const captions = page.getByTestId("captions").locator("li");
  await captions.nth(1).waitFor();
  assert.deepEqual(await captions.allInnerTexts(), ["Interviewer What does idempotent mean?", "Candidate It is safe to repeat."]);
  assert.deepEqual(asked.slice(0, 2), [null, "2"]);
  assert.match(await page.getByTestId("latency").innerText(), /640 ms/);
  await page.getByTestId("position").filter({ hasText: /idempotency|Question/ }).waitFor();
  await keepShots(page, "admin-live", { whole: true });
  await page.getByTestId("end").click();
  await page.getByRole("link", { name: "All interviews" }).click();
  await page.getByLabel("Status").selectOption("cancelled");
  await page.getByTestId("interviews").getByText("cancelled").waitFor();

  // The bank: found, and added to with an expected answer alone.
  await page.getByRole("link", { name: "Question bank" }).click();
  await page.getByLabel("Category").selectOption({ label: "Back end (en)" });
  await page.getByTestId("new-question").click();
  const dialog = page.getByTestId("dialog");
  await dialog.getByLabel("Key", { exact: true }).fill("backend.retry-budget");
  await dialog.getByLabel("Question", { exact: true }).fill("Why should a client that retries have a budget?");
  await dialog.getByLabel("Expected answer").fill("Retries multiply the load on a failing server. The budget limits retries to a share of all requests.");
  await dialog.getByTestId("save").click();
  await dialog.waitFor({ state: "detached" });
  await page.getByLabel("Search").fill("retry-budget");
  await page.getByTestId("questions").getByRole("button", { name: "Why should a client" }).click();
  await dialog.getByText("Key points derived from the expected answer").waitFor();
  assert.equal(await dialog.getByLabel("What a good answer says").first().inputValue(), "Retries multiply the load on a failing server");
  await keepShots(page, "admin-question");
  await dialog.getByLabel("Question", { exact: true }).fill("Why does a client that retries need a budget?");
  await dialog.getByTestId("save").click();
  await page.getByTestId("questions").getByRole("cell", { name: "2", exact: true }).waitFor();
  await keepShots(page, "admin-bank", { whole: true });

  // Figures and people.
  await page.getByRole("link", { name: "Statistics" }).click();
  assert.match(await page.getByTestId("figures").innerText(), /Interviews\s+1/);
  await keepShots(page, "admin-statistics", { whole: true });
  await page.getByRole("link", { name: "People" }).click();
  await page.getByTestId("people").getByText("boss@example.org").waitFor();
  await page.goto("/progress");
  await page.getByText("Nothing to show yet").waitFor();
  assert.deepEqual(wrong, []);
});
