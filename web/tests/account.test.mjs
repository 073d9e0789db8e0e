// Somebody makes an account, brings a CV, looks over what was read, comes back another day, and takes everything away.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { keepShots, startBrowser, visitor, workFolder } from "./browser.mjs";
import { startServer } from "./server.mjs";

const ALL_MAX_MS = 6 * 60_000;
const PASSWORD = "correct horse battery";
const CV = "Ada Lovelace\nBack-end Engineer\nExperience\nBack-end Engineer, Analytical Ltd, Jan 2024 - Present\nSkills\nRust, PostgreSQL\n";

let folder;
let server;
let browser;

before(
  async () => {
    folder = await workFolder("cv");
    await writeFile(path.join(folder, "cv.txt"), CV);
    // Nobody speaks here: any file stands for the microphone.
    [server, browser] = await Promise.all([startServer(), startBrowser(path.join(folder, "cv.txt"))]);
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

test("an account, from its making to its end", { timeout: ALL_MAX_MS }, async (t) => {
  const { page, wrong } = await visitor(t, browser, server.base);
  await page.goto("/");
  await page.getByTestId("to-account").click();
  await page.getByTestId("other-form").click();
  await page.getByLabel("Username", { exact: true }).fill("ada");
  await page.getByLabel("E-mail", { exact: true }).fill("nothing");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make an account" }).click();
  await page.getByText("This is not an e-mail address.").waitFor();
  await page.getByLabel("E-mail", { exact: true }).fill("ada@example.org");
  await page.getByRole("button", { name: "Make an account" }).click();
  await page.getByTestId("account").waitFor();
  await keepShots(page, "account", { whole: true });

  await page.getByRole("link", { name: "Your profile" }).click();
  await page.getByTestId("cv").setInputFiles(path.join(folder, "cv.txt"));
  await page.getByText("Please look this over").waitFor();
  assert.equal(await page.getByLabel("What you do").inputValue(), "Back-end Engineer");
  assert.equal(await page.getByLabel("Technologies").inputValue(), "Rust, PostgreSQL");
  assert.match(await page.getByTestId("profile").innerText(), /Rust, PostgreSQL.* \(page 1\)/s);
  await keepShots(page, "profile", { whole: true });
  await page.getByLabel("Technologies").fill("Rust, PostgreSQL, Nix");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("Your profile is saved.").waitFor();

  // The page forgets its access token; the login goes on all the same.
  await page.reload();
  assert.equal(await page.getByLabel("Technologies").inputValue(), "Rust, PostgreSQL, Nix");
  await page.goto("/account");
  await page.getByTestId("log-out").click();
  await page.getByTestId("to-account").click();
  await page.getByLabel("Username or e-mail").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("a wrong one");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("The name or the password is wrong.").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByTestId("account").waitFor();

  const download = page.waitForEvent("download");
  await page.getByTestId("export").click();
  assert.equal((await download).suggestedFilename(), "vivavoce-export.json");
  await page.getByTestId("erase").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Delete the account" }).click();
  await page.waitForURL((address) => address.pathname === "/");
  await page.getByRole("link", { name: "Log in" }).waitFor();
  // A refusal that was provoked is told in the console, too, and nothing else is.
  const told = wrong.filter((line) => !/status of (401|404|422)/.test(line));
  assert.deepEqual(told, []);
});
