// A written interview, from the front page to the report, by keyboard; left by a reload and taken up again; in Ukrainian.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { startServer } from "./server.mjs";

const ALL_MAX_MS = 6 * 60_000;
const ANSWER = "Sending a request twice leaves the same result as sending it once, so after a timeout the client can safely send it again.";

let folder;
let server;
let browser;

before(
  async () => {
    folder = await workFolder("written");
    await writeFile(path.join(folder, "silence"), "");
    // Nobody speaks here: any file stands for the microphone.
    [server, browser] = await Promise.all([startServer(), startBrowser(path.join(folder, "silence"))]);
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

test("a written interview, from the front page to the report", { timeout: ALL_MAX_MS }, async (t) => {
  const { page, wrong } = await visitor(t, browser, server.base);
  const at = (id) => page.getByTestId(id);
  await page.goto("/");
  await page.getByRole("radio", { name: /In writing/ }).check();
  await page.getByRole("radio", { name: /^3/ }).check();
  await keepShots(page, "written-1-front", { whole: true });
  await at("start").focus();
  await page.keyboard.press("Enter");
  await agree(page);

  await at("question-text").waitFor();
  const first = await at("question-text").innerText();
  assert.match(await at("progress").innerText(), /Question 1 of 3/);
  await keepShots(page, "written-2-question");
  // What is half written outlives a reload, and so does the place.
  await at("answer-input").fill("Half an answer");
  await page.reload();
  await at("question-text").waitFor();
  assert.equal(await at("question-text").innerText(), first);
  assert.equal(await at("answer-input").inputValue(), "Half an answer");

  await at("answer-input").fill(ANSWER);
  await page.keyboard.press("Control+Enter");
  await page.getByTestId("captions").getByText(ANSWER).waitFor();
  assert.equal(await at("answer-input").inputValue(), "", "it was taken");
  await at("btn-pause").click();
  await at("paused").waitFor();
  await at("btn-pause").click();
  await at("answer-input").waitFor();
  // Skipping closes the question, and its feedback comes at once.
  await at("btn-skip").click();
  await at("feedback").first().waitFor();
  await page.getByText("Question 2 of 3").waitFor();
  await keepShots(page, "written-3-feedback", { whole: true });
  await at("btn-skip").click();
  await page.getByText("Question 3 of 3").waitFor();
  await at("btn-end").click();
  await at("confirm-end").click();
  await at("to-report").waitFor();
  await keepShots(page, "written-4-over", { whole: true });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Questions", exact: true }).waitFor();
  await keepShots(page, "written-5-report", { whole: true });
  assert.deepEqual(wrong, []);
});

test("the page and a written interview in Ukrainian", { timeout: ALL_MAX_MS }, async (t) => {
  const { page, wrong } = await visitor(t, browser, server.base);
  const at = (id) => page.getByTestId(id);
  await page.goto("/");
  await at("page-language").selectOption("uk");
  await page.getByRole("radio", { name: /Письмово/ }).check();
  await page.getByRole("radio", { name: /українська/i }).check();
  await page.getByRole("radio", { name: /^3/ }).check();
  await keepShots(page, "written-uk-1-front", { whole: true });
  await at("start").click();
  await agree(page);
  await at("question-text").waitFor();
  assert.match(await at("question-text").innerText(), /[а-яіїєґ]/);
  assert.equal(await page.locator("html").getAttribute("lang"), "uk");
  await page.getByTestId("captions").getByText("Вітаю вас.").waitFor();
  await keepShots(page, "written-uk-2-question");
  assert.deepEqual(wrong, []);
});

async function agree(page) {
  await page.getByTestId("consent-check").check();
  await page.getByTestId("consent-continue").click();
}
