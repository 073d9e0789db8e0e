// Logging in, making an account, and the account itself: details, password, data.

import { changePassword, account, forget, login, logout, register, told, type Account } from "../account/session";
import { request } from "../api";
import { fill, freshId, h } from "../dom";
import { button, show } from "../frame";
import type { Visit } from "../main";
import { t } from "../text";
import { field, form, saidBy, type Field } from "./form";

const words = t.account;

export function accountView(visit: Visit): void {
  const known = account();
  if (known === null) return logInView(visit);
  show(
    visit.main,
    words.title,
    h(
      "div",
      { class: "narrow stack-wide", testid: "account" },
      h("h1", {}, words.title),
      h("p", { class: "lead" }, known.fullName || known.username, " ", h("span", { class: "chip" }, words.roles[known.role] ?? known.role)),
      h("div", { class: "row" }, h("a", { class: "button", href: "/profile" }, words.toProfile), logOutButton(visit)),
      details(known),
      password(),
      data(visit),
    ),
  );
}

function logInView(visit: Visit): void {
  const slot = h("div", {});
  const lead = h("p", { class: "lead" }, words.logInLead);
  show(visit.main, words.logIn, h("div", { class: "narrow stack-wide" }, h("h1", {}, words.logIn), lead, h("div", { class: "card" }, slot)));
  const draw = (isNew: boolean): void => {
    const other = button(isNew ? words.logInInstead : words.registerInstead, { class: "quiet", testid: "other-form" });
    other.addEventListener("click", () => draw(!isNew));
    fill(slot, isNew ? registerForm(visit) : logInForm(visit), other);
  };
  draw(false);
}

function logInForm(visit: Visit): HTMLElement {
  const name = field({ label: words.login, name: "login", autocomplete: "username" });
  const secret = field({ label: words.password, name: "password", type: "password", autocomplete: "current-password" });
  return form([name, secret], words.logIn, async () => {
    await login(name.value(), secret.value());
    visit.go("/account");
  });
}

function registerForm(visit: Visit): HTMLElement {
  const username = field({ label: words.username, name: "username", autocomplete: "username" });
  const email = field({ label: words.email, name: "email", type: "email", autocomplete: "email" });
  const fullName = field({ label: words.fullName, name: "full_name", autocomplete: "name", optional: true });
  const hint = words.passwordHint;
  const secret = field({ label: words.password, name: "password", type: "password", autocomplete: "new-password", hint });
  return form([username, email, fullName, secret], words.register, async () => {
    await register({ username: username.value(), email: email.value(), full_name: fullName.value(), password: secret.value() });
    visit.go("/account");
  });
}

function logOutButton(visit: Visit): HTMLElement {
  const out = button(words.logOut, { testid: "log-out" });
  out.addEventListener("click", () => void logout().then(() => visit.go("/")));
  return out;
}

function details(known: Account): HTMLElement {
  const username = field({ label: words.username, name: "username", value: known.username, autocomplete: "username" });
  const email = field({ label: words.email, name: "email", type: "email", value: known.email, autocomplete: "email" });
  const fullName = field({ label: words.fullName, name: "full_name", value: known.fullName, autocomplete: "name", optional: true });
  const body = form([username, email, fullName], words.save, async () => {
    const json = { username: username.value(), email: email.value(), full_name: fullName.value() };
    told(await request("/users/me", { method: "PATCH", json }));
    return words.saved;
  });
  return h("section", { class: "card stack" }, h("h2", {}, words.details), body);
}

function password(): HTMLElement {
  const current = field({ label: words.currentPassword, name: "current_password", type: "password", autocomplete: "current-password" });
  const hint = words.passwordHint;
  const next = field({ label: words.newPassword, name: "new_password", type: "password", autocomplete: "new-password", hint });
  const body = form([current, next], words.changePassword, async () => {
    await changePassword(current.value(), next.value());
    current.clear();
    next.clear();
    return words.passwordChanged;
  });
  return h("section", { class: "card stack" }, h("h2", {}, words.changePassword), body);
}

function data(visit: Visit): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const download = button(words.download, { testid: "export" });
  download.addEventListener("click", () => void save(download, said));
  const erase = button(words.erase, { class: "quiet", testid: "erase" });
  erase.addEventListener("click", () => askErase(visit));
  return h("section", { class: "card stack" }, h("h2", {}, words.data), h("p", {}, words.dataLead), h("div", { class: "row" }, download, erase), said);
}

async function save(download: HTMLButtonElement, said: HTMLElement): Promise<void> {
  download.disabled = true;
  fill(said);
  try {
    const document = JSON.stringify(await request("/users/me/export", {}), null, 2);
    const address = URL.createObjectURL(new Blob([document], { type: "application/json" }));
    h("a", { href: address, download: "vivavoce-export.json" }).click();
    URL.revokeObjectURL(address);
  } catch (error) {
    fill(said, saidBy(error));
  } finally {
    download.disabled = false;
  }
}

function askErase(visit: Visit): void {
  const secret: Field = field({ label: words.password, name: "password", type: "password", autocomplete: "current-password" });
  const title = freshId("erase");
  const cancel = button(t.cancel);
  const body = form([secret], words.erase, async () => {
    await request("/users/me", { method: "DELETE", json: { password: secret.value() } });
    forget();
    dialog.close();
    visit.go("/");
  });
  const dialog = h("dialog", { "aria-labelledby": title }, h("div", { class: "stack" }, h("h2", { id: title }, words.eraseTitle), h("p", {}, words.eraseWords), body, cancel));
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  visit.signal.addEventListener("abort", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
