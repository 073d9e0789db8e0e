// Chromium, headless, with the spoken file as its microphone; pictures of each stage; and a watch over everything that
// must not happen on the way: errors in the console, requests to other hosts.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { cable } from "./microphone.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const shots = process.env.VIVAVOCE_SHOTS || path.join(root, "target/page-shots");
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** For one step on a machine that is busy with other things. */
const STEP_MAX_MS = 60_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A folder for what the browser reads, gone with `rm`. Not in the system's own one: a Chromium in a sandbox of its
 * distribution (a snap) has a /tmp of its own. */
export async function workFolder(name) {
  await mkdir(shots, { recursive: true });
  return mkdtemp(path.join(shots, `${name}-`));
}

export async function startBrowser(microphone) {
  return chromium.launch({
    executablePath: executable(),
    args: [
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}`,
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  for (const name of NAMES) {
    const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
    if (found) return found;
  }
  throw new Error("no Chromium in PATH: scripts/setup --tests installs it, or name one in CHROMIUM");
}

/** A visitor of their own: nothing remembered, and all misbehaviour noted. What is on the screen at the end is kept. */
export async function visitor(test, browser, base) {
  const context = await browser.newContext({ baseURL: base, viewport: DESKTOP, locale: "en-GB", colorScheme: "light" });
  context.setDefaultTimeout(STEP_MAX_MS);
  await context.addInitScript(cable);
  if (process.env.VIVAVOCE_WEB_DIST) await serveFrom(context, path.resolve(process.env.VIVAVOCE_WEB_DIST));
  const wrong = [];
  const sent = [];
  context.on("request", (request) => {
    const address = new URL(request.url());
    sent.push({ method: request.method(), path: address.pathname });
    if (!["data:", "blob:"].includes(address.protocol) && address.origin !== base) wrong.push(`a request to ${address.origin}`);
  });
  context.on("console", (message) => {
    if (message.type() === "error") wrong.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => wrong.push(`uncaught: ${error.error()}`));
  const page = await context.newPage();
  test.after(async () => {
    await mkdir(shots, { recursive: true });
    await page.screenshot({ path: path.join(shots, `end of ${test.name.replaceAll(/[^a-z]+/gi, " ").trim()}.png`) });
    await context.close();
  });
  return { context, page, wrong, sent };
}

/** Tries a page that was built but is not in the program yet; with the program's own headers. */
async function serveFrom(context, folder) {
  await context.route(/\/(assets\/.*|account|profile|progress(\/.*)?|admin(\/.*)?|interview\/[^/]*|report\/[^/]*)?(#.*)?$/, async (route) => {
    const address = new URL(route.request().url()).pathname;
    if (address.startsWith("/api/")) return route.fallback();
    const file = path.join(folder, address.startsWith("/assets/") ? address : "index.html");
    const response = await route.fetch({ url: new URL("/", route.request().url()).href });
    const types = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8" };
    const headers = { ...response.headers(), "content-type": types[path.extname(file)] ?? "application/octet-stream" };
    await route.fulfill({ status: 200, headers, body: await readFile(file) });
  });
}

/** Keeps something else that was seen on the way. */
export async function keepFile(name, content) {
  await mkdir(shots, { recursive: true });
  await writeFile(path.join(shots, name), content);
}

/** Keeps how a stage looks: desktop light and dark, and a phone. Nothing may stick out sideways, but what is for paper. */
export async function keepShots(page, name, { whole = false, paper = false } = {}) {
  await mkdir(shots, { recursive: true });
  const looks = [
    ["light", DESKTOP, "light"],
    ["dark", DESKTOP, "dark"],
    ["phone", PHONE, "light"],
  ];
  const tooWide = [];
  for (const [look, viewport, colorScheme] of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await page.waitForTimeout(250);
    await page.screenshot({ path: path.join(shots, `${name}-${look}.png`), fullPage: whole });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > viewport.width && !paper) tooWide.push(`${name}, ${look}: ${width} px wide in a view of ${viewport.width} px`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESKTOP);
  if (tooWide.length > 0) throw new Error(tooWide.join("; "));
}
