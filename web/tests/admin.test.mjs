// An admin follows an interview whose connection breaks in between, ends it, adds a question to the bank, and looks at
// figures and people; changes a level on a report's page, and finds who did what in the audit log; schedules an interview
// and invites a candidate, who comes by the link.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { startServer } from "./server.mjs";
import { until } from "./waiting.mjs";

const ALL_MAX_MS = 6 * 60_000;
const PASSWORD = "correct horse battery";
const REPORT_MAX_MS = 120_000;
const ANSWER = "Sending a request twice leaves the same result as sending it once, so after a timeout the client can safely send it again.";
const REASON = "The recording has more than the transcript.";

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

async function logIn(page) {
  await page.goto("/account");
  await page.getByLabel("Username or e-mail").fill("boss");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByTestId("account").waitFor();
}

/** A written interview that was held: its first question answered, its report ready. */
async function held() {
  const made = await server.post("/api/v1/interviews", { category: "backend", level: "middle", questions: 3, mode: "text", title: "Ada, in writing" });
  const at = `/api/v1/interviews/${made.id}`;
  await server.post(`${at}/consent`, { version: made.disclosure.version, accepted: true });
  const begun = await server.post(`${at}/text`, {});
  const answered = await server.post(`${at}/text/answers`, { reply_to: begun.state.last_line, text: ANSWER });
  await server.post(`${at}/text/wishes`, { reply_to: answered.state.last_line, wish: "skip" });
  await server.post(`${at}/end`, {});
  await until("the report is ready", REPORT_MAX_MS, async () => (await server.get(at)).report_state === "ready");
  const report = await server.get(`${at}/report`);
  return { id: made.id, question: report.questions.find((one) => one.answer?.text) ?? report.questions[0] };
}

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
  await logIn(page);
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

  await page.getByTestId("drafts").getByText("No draft waits.").waitFor();

  // Who is told: never a private address; the secret is shown once.
  await page.getByRole("link", { name: "Webhooks" }).click();
  const webhooks = page.getByTestId("webhooks");
  await webhooks.getByLabel("Address of the receiver").fill("https://127.0.0.1/hook");
  await webhooks.getByRole("button", { name: "Add the receiver" }).click();
  await webhooks.getByText("Private addresses are not told of anything here.").waitFor();
  await webhooks.getByLabel("Address of the receiver").fill("https://example.org/hook");
  await webhooks.getByRole("button", { name: "Add the receiver" }).click();
  assert.match(await webhooks.getByTestId("secret").inputValue(), /^[0-9a-f]{32,}$/);
  await webhooks.getByRole("button", { name: "What was sent" }).click();
  await page.getByText("Nothing was sent yet.").waitFor();
  await keepShots(page, "admin-webhooks", { whole: true });
  await webhooks.getByRole("button", { name: "Remove" }).click();
  await webhooks.getByText("Nobody is told yet.").waitFor();

  // Figures and people.
  await page.getByRole("link", { name: "Statistics" }).click();
  assert.match(await page.getByTestId("figures").innerText(), /Interviews\s+1/);
  await keepShots(page, "admin-statistics", { whole: true });
  await page.getByRole("link", { name: "People" }).click();
  await page.getByTestId("people").getByText("boss@example.org").waitFor();
  await page.goto("/progress");
  await page.getByText("Nothing to show yet").waitFor();
  // A refusal that was provoked is told in the console, too, and nothing else is.
  assert.deepEqual(wrong.filter((line) => !/status of 422/.test(line)), []);
});

test("an admin changes a level, and the scorer's stays beside it", { timeout: ALL_MAX_MS }, async (t) => {
  const { context, page, wrong, sent } = await visitor(t, browser, server.base);
  const { id, question } = await held();
  const level = question.level === 5 ? 4 : 5;
  const gave = question.level === null ? "The scorer gave none" : `The scorer gave ${question.level}`;
  await logIn(page);

  await page.goto(`/report/${id}`);
  const change = page.getByTestId(`change-${question.id}`);
  await change.waitFor({ state: "attached" });
  assert.equal(await page.getByText(/^The scorer gave/).count(), 0);
  await change.evaluate((element) => {
    for (let at = element; at !== null; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  });
  // Without a reason nothing is changed.
  await change.getByLabel("Level", { exact: true }).selectOption(String(level));
  await change.locator("button[type=submit]").click();
  await change.getByRole("alert").or(change.locator(".field-wrong:not(:empty)")).first().waitFor();
  assert.equal(await page.getByTestId("overrides").count(), 0);
  await change.getByLabel("Reason").fill(REASON);
  await keepShots(page, "admin-override", { whole: true });
  await change.locator("button[type=submit]").click();
  await page.getByTestId("overrides").getByText(REASON).waitFor();
  await page.getByText(gave, { exact: true }).waitFor({ state: "attached" });
  const report = await server.get(`/api/v1/interviews/${id}/report`);
  const now = report.questions.find((one) => one.id === question.id);
  assert.deepEqual([now.level, now.scored_level], [level, question.level]);

  // The same on the interview's own page, and who did it in the log.
  await page.goto(`/admin/interviews/${id}`);
  const scores = page.getByTestId(`score-${question.id}`);
  await scores.getByText(`counts: ${level}`).waitFor();
  await scores.getByText(`scorer: ${question.level ?? "none"}`).waitFor();
  await page.getByTestId("to-log").click();
  const row = page.getByTestId("log-score.override");
  await row.waitFor();
  assert.match(await row.innerText(), new RegExp(`boss.*changed a level.*${question.id.replaceAll(".", "\\.")}: .* → level ${level}`, "s"));
  await page.getByTestId("log-report.read").first().waitFor();
  await page.getByLabel("What", { exact: true }).selectOption({ label: "changed a level" });
  await page.getByTestId("log-report.read").first().waitFor({ state: "detached" });
  assert.equal(await row.count(), 1);
  await keepShots(page, "admin-log", { whole: true });

  // The page is read for longer than an access token lives; its links go on.
  await page.goto(`/report/${id}`);
  await page.getByTestId("report-print").waitFor();
  await page.clock.install();
  const renewals = () => sent.filter((one) => one.path === "/api/v1/auth/refresh").length;
  const before = renewals();
  await page.clock.fastForward("20:00");
  const [printed] = await Promise.all([context.waitForEvent("page"), page.getByTestId("report-print").click()]);
  await printed.getByText(REASON).first().waitFor();
  assert.ok(renewals() > before && new URL(printed.url()).searchParams.has("access_token"), "with a new token");
  await printed.close();
  const told = wrong.filter((line) => !/status of 422/.test(line));
  assert.deepEqual(told, []);
});

test("an admin schedules an interview and invites a candidate, who comes by the link", { timeout: ALL_MAX_MS }, async (t) => {
  const { page, wrong } = await visitor(t, browser, server.base);
  await logIn(page);
  await page.goto("/admin");
  await page.getByTestId("schedule").click();
  const dialog = page.getByTestId("dialog");
  await dialog.getByLabel("Category").selectOption({ label: "Back end (en)" });
  await dialog.getByLabel("Held").selectOption("text");
  await dialog.getByLabel("Questions").fill("3");
  await dialog.getByLabel("Title").fill("Grace, official");
  await dialog.getByTestId("save").click();
  await page.getByTestId("title").getByText("Grace, official").waitFor();

  const invitations = page.getByTestId("invitations");
  await invitations.getByLabel("E-mail of the candidate").fill("nobody");
  await invitations.getByRole("button", { name: "Make a link" }).click();
  await invitations.getByText("This is not an e-mail address.").waitFor();
  await invitations.getByLabel("E-mail of the candidate").fill("grace@example.org");
  await invitations.getByRole("button", { name: "Make a link" }).click();
  const link = await invitations.getByTestId("join-link").inputValue();
  await invitations.getByRole("cell", { name: "grace@example.org" }).waitFor();
  await keepShots(page, "admin-invitations", { whole: true });

  const guest = await visitor(t, browser, server.base);
  await guest.page.goto(link);
  await guest.page.getByTestId("consent-check").waitFor();
  await invitations.getByRole("button", { name: "Take back" }).click();
  await invitations.getByText("taken back").waitFor();
  await guest.page.reload();
  await guest.page.getByTestId("problem").waitFor();
  assert.deepEqual(wrong.filter((line) => !/status of 422/.test(line)), []);
  assert.deepEqual(guest.wrong.filter((line) => !/status of 401/.test(line)), []);
});
