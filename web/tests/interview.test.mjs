// A person comes to the page, is interviewed by the real program with its real models, and reads the report.
// Nothing stands in for anything but the person: Chromium's microphone plays spoken sentences from a file.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepFile, keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { spokenFile } from "./microphone.mjs";
import { startServer } from "./server.mjs";
import { until } from "./waiting.mjs";

/** One journey. It takes some minutes of talk; the rest is for machines that do much else. */
const JOURNEY_MAX_MS = 12 * 60_000;
/** From one thing to the next in a talk: a long question is spoken, words are made out, a report is written. */
const TALK_MAX_MS = 180_000;

const SPOKEN =
  "Sending a request twice leaves the same result as sending it once. " +
  "So after a timeout, the client can safely send it again.";
/** What must come through from these sentences, however the rest was understood. */
const SPOKEN_WORDS = [/sending it once/i, /timeout|time out/i];
const TYPED = "An index finds rows without scanning the whole table, but every insert has to maintain it, so writes get slower.";
const CODE = [
  "def call(operation, tries=5):",
  "for attempt in range(tries):",
  "try:",
  "return operation()",
];
/** The shortest interview that the page offers. Two of its questions every middle interview has, the bank's anchors. */
const QUESTIONS = 3;
const ABOUT_SPOKEN = /idempotent/i;
const ABOUT_TYPED = /database index/i;

let folder;
let server;
let browser;

before(
  async () => {
    folder = await workFolder("microphone");
    const microphone = path.join(folder, "microphone.wav");
    await spokenFile(SPOKEN, microphone);
    [server, browser] = await Promise.all([startServer(), startBrowser(microphone)]);
  },
  { timeout: JOURNEY_MAX_MS },
);

after(
  async () => {
    await browser?.close();
    const end = await server?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    if (end !== undefined) assert.deepEqual(end, { code: 0, signal: null }, "the server ends well when it is told to");
  },
  { timeout: JOURNEY_MAX_MS },
);

test("a spoken interview, from the front page to the report", { timeout: JOURNEY_MAX_MS }, async (t) => {
  const { context, page, wrong, sent } = await visitor(t, browser, server.base);
  const at = (id) => page.getByTestId(id);

  await page.goto("/");
  await at("start").waitFor();
  await keepShots(page, "1-front", { whole: true });
  await chooseByKeyboard(page);
  await page.waitForURL(/\/interview\/[0-9a-f-]+$/);
  const id = page.url().split("/").at(-1);
  const api = `/api/v1/interviews/${id}`;

  // The microphone: the level moves, the interviewer is heard, the person is heard.
  await keepShots(page, "2-microphone-asked");
  await context.grantPermissions(["microphone"]);
  await tabTo(page, "mic-allow");
  await page.keyboard.press("Enter");
  await at("mic-continue").waitFor();
  await at("mic-level").locator(".on").first().waitFor();
  await at("sound-check").click();
  await page.getByText("You should have heard").waitFor();
  await page.getByText("We hear you well").waitFor();
  await keepShots(page, "2-microphone");
  await page.evaluate(() => window.microphoneCable.switchOff());
  assert.equal((await server.get(api)).consented, false);
  await at("mic-continue").focus();
  await page.keyboard.press("Enter");

  // Consent: nothing begins without it.
  await at("consent-check").waitFor();
  assert.ok(await at("consent-continue").isDisabled(), "no way on without consent");
  await keepShots(page, "3-consent");
  await tabTo(page, "consent-check");
  await page.keyboard.press("Space");
  await tabTo(page, "consent-continue");
  await page.keyboard.press("Enter");
  await at("captions").waitFor();
  const asked = await server.get(api);
  assert.equal(asked.consented, true);
  assert.ok(asked.disclosure.version, "the consent names the text it was given to");

  // The greeting, as planned, appears in the captions while it is spoken.
  const captions = at("captions");
  await captions.getByText("Hello, and welcome.").waitFor();
  await captions.getByText("I am an AI interviewer.").waitFor();
  await page.getByText("Just listen; the first question follows.").waitFor();
  await keepShots(page, "4-greeting");

  await questionOf(page, 1);
  await listening(page);
  await keepShots(page, "5-question");
  const said = () => captions.locator(".entry.bot .sentence").allInnerTexts();
  const lines = await said();
  assert.deepEqual(lines, [...new Set(lines)], "each line stands in the captions once");

  await at("btn-repeat").click();
  await until("the question is said again", TALK_MAX_MS, async () => (await said()).length > lines.length);
  await listening(page);
  await at("btn-pause").click();
  await stateIs(page, ["paused"]);
  await keepShots(page, "6-paused");
  const stood = await at("elapsed").innerText();
  await page.waitForTimeout(2_500);
  assert.equal(await at("elapsed").innerText(), stood, "the clock stands still in a pause");
  await at("btn-pause").click();

  // Each question in its own way, in whatever order the plan has them.
  const answered = [];
  for (let number = 1; number <= QUESTIONS; number += 1) {
    await questionOf(page, number);
    await listening(page);
    const question = await at("question-text").innerText();
    if (ABOUT_SPOKEN.test(question)) {
      await answerAloud(page);
      answered.push("aloud");
    } else if (ABOUT_TYPED.test(question)) {
      await answerInWriting(page);
      answered.push("in writing");
    }
    if (number < QUESTIONS) await moveOn(page, number + 1);
    if (number === 1) await reload(page, id);
    if (number === 2) await secondTab(context, page, id);
  }
  assert.deepEqual(answered.sort(), ["aloud", "in writing"]);
  await keepShots(page, "10-last-question");

  // The end, by button, with its question whether it is meant.
  await at("btn-end").click();
  await at("confirm-end").waitFor();
  await keepShots(page, "11-end");
  await at("confirm-end").click();
  await page.waitForURL(new RegExp(`/report/${id}`), { timeout: TALK_MAX_MS });
  await reportShown(page, "12-report");

  await quotesPlay(page);
  const print = await context.newPage();
  await print.goto(await at("report-print").getAttribute("href"));
  await print.getByText("idempotent").first().waitFor();
  await keepShots(print, "14-printable", { whole: true, paper: true });
  await momentPlays(context, print);
  await print.close();
  await at("transcript").locator("summary").click();
  await at("transcript").getByText(TYPED).waitFor();
  await keepShots(page, "13-transcript", { whole: true });

  const rows = rowsOf(await server.get(`${api}/transcript`));
  await keepFile("transcript.json", JSON.stringify(rows, null, 1));
  const candidate = rows.filter((row) => row.role === "candidate").map((row) => row.content);
  assert.ok(candidate.includes(TYPED), `the typed answer is in the record: ${JSON.stringify(candidate)}`);
  for (const word of SPOKEN_WORDS) assert.match(candidate.join(" "), word);
  assert.equal((await server.get(api)).status, "completed");
  const report = await server.get(`${api}/report`);
  const quotes = report.questions.flatMap((question) => question.key_points.map((point) => point.quote?.text)).filter(Boolean);
  assert.ok(quotes.length > 0, "the report stands on words that were said");
  for (const quote of quotes) assert.ok(candidate.some((words) => words.includes(quote)), `said word for word: ${quote}`);
  assert.ok(sent.some(({ method, path: to }) => method === "POST" && to === `${api}/consent`));

  // The front page knows the way back.
  await page.goto("/");
  await at("past").getByRole("link").click();
  await at("report").waitFor();
  assert.deepEqual(wrong, []);
});

test("an invited candidate comes by link, is refused the microphone, and hands in code", { timeout: JOURNEY_MAX_MS }, async (t) => {
  const { page, wrong } = await visitor(t, browser, server.base);
  const at = (id) => page.getByTestId(id);
  const invitation = await invite();
  const api = `/api/v1/interviews/${invitation.id}`;

  await page.goto(invitation.join_url);
  // The browser refuses the microphone: said in plain words, and no obstacle.
  await at("mic-allow").click();
  await at("mic-problem").getByText("The microphone is blocked for this page").waitFor();
  assert.ok(!page.url().includes("token"), "the key is out of sight once it was taken");
  await keepShots(page, "20-refused");
  await at("text-only").click();
  await at("consent-check").check();
  await at("consent-continue").click();
  await connected(page);

  // Skips its way to the code question, which comes last.
  const of = invitation.questions;
  for (let number = 1; number < of; number += 1) {
    await questionOf(page, number);
    await skipTo(page, number + 1);
  }
  const editor = at("code-editor").locator(".cm-content");
  await editor.waitFor();
  await listening(page);
  await editor.click();
  await page.keyboard.press("Control+A");
  for (const line of CODE) {
    await page.keyboard.type(line);
    await page.keyboard.press("Enter");
  }
  await page.getByText("Saved", { exact: true }).waitFor();
  await keepShots(page, "21-code");
  await at("code-submit").click();
  await page.getByText("Handed in").waitFor();
  const kept = JSON.stringify(rowsOf(await server.get(`${api}/artifacts`)));
  assert.match(kept, /return operation\(\)/, "what the page calls handed in is in the record");
  await until("the interview ends after its last question", TALK_MAX_MS, async () => {
    if (page.url().includes("/report/")) return true;
    const state = await at("state").getAttribute("data-state", { timeout: 1_000 }).catch(() => null);
    if (state === "listening" && (await at("btn-skip").isEnabled())) await at("btn-skip").click();
    return false;
  });
  await reportShown(page, "22-report");
  await page.getByText("return operation()").first().waitFor();
  assert.deepEqual(wrong, []);
});

/** Sets up the interview with the keyboard alone: every field is on the way to the start button. */
async function chooseByKeyboard(page) {
  await page.getByTestId("start").waitFor();
  const passed = [];
  for (let step = 0; step < 25; step += 1) {
    await page.keyboard.press("Tab");
    const field = await page.evaluate(() => {
      const one = document.activeElement;
      return { name: one.getAttribute("name") ?? "", tag: one.tagName, testid: one.dataset.testid ?? "" };
    });
    passed.push(field);
    // The shortest that is offered.
    if (field.name === "length") {
      while (!(await page.evaluate(() => document.activeElement === document.querySelector("[name=length]")))) {
        await page.keyboard.press("ArrowLeft");
      }
    }
    if (field.testid === "start") break;
  }
  assert.equal(passed.at(-1).testid, "start", `Tab leads to the start: ${JSON.stringify(passed)}`);
  for (const name of ["category", "level", "length"]) assert.ok(passed.some((field) => field.name === name), `${name} on the way`);
  assert.ok(passed.filter((field) => field.tag === "SELECT").length >= 2, "role and time to think on the way");
  await page.keyboard.press("Enter");
}

async function tabTo(page, testid) {
  for (let step = 0; step < 15; step += 1) {
    if ((await page.evaluate(() => document.activeElement?.dataset.testid)) === testid) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${testid}`);
}

async function stateIs(page, states) {
  await until(`the stage shows ${states.join(" or ")}`, TALK_MAX_MS, async () =>
    states.includes(await page.getByTestId("state").getAttribute("data-state")),
  );
}

const listening = (page) => stateIs(page, ["listening"]);

async function connected(page) {
  await page.locator('[data-testid="connection"][data-line="open"]').waitFor();
}

async function questionOf(page, number) {
  await page.getByTestId("question-number").filter({ hasText: new RegExp(`^Question ${number} of`) }).waitFor({ timeout: TALK_MAX_MS });
}

const numberShown = async (page) => Number(/\d+/.exec(await page.getByTestId("question-number").innerText())?.[0]);

async function answerAloud(page) {
  await page.evaluate(() => window.microphoneCable.say());
  await page.getByTestId("btn-done").click();
  await until("the spoken words are captions", TALK_MAX_MS, async () => {
    const said = (await page.getByTestId("captions").locator(".entry.user .sentence").allInnerTexts()).join(" ");
    return SPOKEN_WORDS.every((word) => word.test(said));
  });
  await keepShots(page, "7-answered");
}

async function answerInWriting(page) {
  await page.getByTestId("text-input").fill(TYPED);
  await page.keyboard.press("Enter");
  await page.getByTestId("captions").locator(".entry.user", { hasText: TYPED }).waitFor();
}

/** Whoever has said enough, or nothing, skips to the next question; the interviewer may have gone on by itself. */
async function moveOn(page, next) {
  await until(`question ${next} comes`, TALK_MAX_MS, async () => {
    if ((await numberShown(page)) >= next) return true;
    if ((await page.getByTestId("state").getAttribute("data-state")) !== "listening") return false;
    await page.waitForTimeout(1_500);
    if ((await numberShown(page)) < next && (await page.getByTestId("btn-skip").isEnabled())) await page.getByTestId("btn-skip").click();
    return false;
  });
  assert.equal(await numberShown(page), next);
}

async function skipTo(page, next) {
  await page.getByTestId("btn-skip").click();
  await questionOf(page, next);
}

/** A reload in mid-interview comes back to the same interview, the same question, and what was said so far. */
async function reload(page, id) {
  const question = await page.getByTestId("question-text").innerText();
  await page.reload();
  await page.getByRole("heading", { name: "Welcome back" }).waitFor();
  await page.getByTestId("mic-continue").waitFor();
  await keepShots(page, "8-welcome-back");
  await page.evaluate(() => window.microphoneCable.switchOff());
  await page.getByTestId("mic-continue").click();
  await connected(page);
  await questionOf(page, 2);
  assert.equal(await page.getByTestId("question-text").innerText(), question);
  assert.equal(page.url().split("/").at(-1), id);
  await page.getByTestId("captions").getByText("Hello, and welcome.").waitFor();
}

/** Another tab takes the interview over, the first says so and offers to take it back. */
async function secondTab(context, page, id) {
  const number = await numberShown(page);
  const second = await context.newPage();
  await second.goto(`/interview/${id}`);
  await second.getByTestId("mic-continue").waitFor();
  await second.evaluate(() => window.microphoneCable.switchOff());
  await second.getByTestId("mic-continue").click();
  await connected(second);
  await page.getByText("This interview is open in another tab or on another device").waitFor();
  await page.bringToFront();
  await keepShots(page, "9-elsewhere");
  await page.getByRole("button", { name: "Continue here" }).click();
  await connected(page);
  await second.getByText("This interview is open in another tab or on another device").waitFor();
  await second.close();
  await questionOf(page, number);
}

async function reportShown(page, name) {
  const report = page.getByTestId("report");
  await report.waitFor({ timeout: TALK_MAX_MS });
  assert.ok((await page.getByTestId("recommendation").innerText()).length > 0);
  assert.ok((await report.locator(".question-item").count()) > 0, "the questions are there");
  assert.ok((await report.locator(".scores dt").count()) === 3, "overall, technical, soft skills");
  assert.ok((await report.locator("svg.timeline rect").count()) > 3, "who spoke when is drawn");
  await keepShots(page, name, { whole: true });
}

/** A click on a quote plays that moment of the recording. */
async function quotesPlay(page) {
  const quote = page.getByTestId("report").getByTestId("quote").filter({ visible: true }).first();
  await quote.click();
  await until("the quote is heard", TALK_MAX_MS, () =>
    page.getByTestId("player").evaluate((audio) => audio.currentTime > 0 && !audio.error),
  );
}

/** On paper's side of the report a time opens the recording itself, in a tab of its own, at that moment. */
async function momentPlays(context, print) {
  const moment = print.locator("a[href*='recording'][href*='#t=']").first();
  const [from] = /#t=([\d.]+)/.exec(await moment.getAttribute("href")).slice(1);
  const opened = context.waitForEvent("page");
  await moment.click();
  const tab = await opened;
  await until("the moment is heard", TALK_MAX_MS, () =>
    tab.evaluate((from) => {
      const player = document.querySelector("video, audio");
      return player !== null && player.error === null && player.currentTime > from;
    }, Number(from)),
  );
  await tab.close();
}

/** The longest middle interview there is: it holds every middle question, the one with code among them. */
async function invite() {
  const { categories } = await server.get("/api/v1/categories");
  const questions = categories[0].levels.find(({ level }) => level === "middle").questions;
  const response = await fetch(`${server.base}/api/v1/interviews`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      category: categories[0].slug,
      level: "middle",
      language: "en",
      job_position: "Back-end engineer",
      questions,
      mode: "voice",
      purpose: "practice",
      room: "webrtc",
    }),
  });
  assert.equal(response.status, 201);
  return { ...(await response.json()), questions };
}

const rowsOf = (answer) => (Array.isArray(answer) ? answer : Object.values(answer).find(Array.isArray));
