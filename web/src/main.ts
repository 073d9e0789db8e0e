// The start of the page: which address shows which view. Views know their own part only.

import { account } from "./account/session";
import { fill, h } from "./dom";
import { frame, showProblem } from "./frame";
import { remember, rememberedInterview } from "./storage";
import { t } from "./text";
import { clearToasts } from "./toasts";
import { accountView } from "./views/account";
import { adminView } from "./views/admin";
import { front } from "./views/front";
import { interview } from "./views/interview";
import { profileView } from "./views/profile";
import { isStaff, progressView } from "./views/progress";
import { report } from "./views/report";

export interface Visit {
  bar: HTMLElement;
  main: HTMLElement;
  /** Aborted when the person goes to another view: everything the view began must then end. */
  signal: AbortSignal;
  go(path: string): void;
}

const root = document.getElementById("app");
let leave = new AbortController();

function render(): void {
  if (root === null) return;
  leave.abort();
  leave = new AbortController();
  clearToasts();
  document.documentElement.lang = t.lang;
  const visit: Visit = { ...frame(root), signal: leave.signal, go };
  const match = /^\/(interview|report)\/([A-Za-z0-9-]{1,64})\/?$/.exec(window.location.pathname);
  if (window.location.pathname === "/") {
    const admin = isStaff() ? h("a", { class: "button quiet slim", href: "/admin", testid: "to-admin" }, t.admin.link) : null;
    const progress = h("a", { class: "button quiet slim", href: "/progress", testid: "to-progress" }, t.admin.progressLink);
    fill(visit.bar, admin, progress, h("a", { class: "button quiet slim", href: "/account", testid: "to-account" }, account()?.username ?? t.account.logIn));
    return front(visit);
  }
  if (window.location.pathname === "/account") return accountView(visit);
  if (window.location.pathname === "/profile") return profileView(visit);
  const part = /^\/(admin|progress)(\/[A-Za-z0-9/-]{0,100})?$/.exec(window.location.pathname);
  if (part?.[1] === "admin") return adminView(visit, part[2] ?? "");
  if (part?.[1] === "progress") return progressView(visit, part[2]?.replaceAll("/", "") || null);
  const id = match?.[2];
  if (id === undefined) return showProblem(visit.main, t.problems.title, t.problems.page);
  const token = takeToken(id);
  if (match?.[1] === "interview") void interview(visit, id, token);
  else void report(visit, id, token);
}

function go(path: string): void {
  window.history.pushState(null, "", path);
  render();
}

/** The token from the address, kept for later visits and then taken out of sight; or the one kept earlier. */
function takeToken(id: string): string | null {
  const known = rememberedInterview(id);
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (token === null) return known?.token ?? null;
  const blank = { id, title: "", category: "", level: "", started: new Date().toISOString() };
  const kept = remember({ ...(known ?? blank), token });
  if (kept) window.history.replaceState(window.history.state, "", window.location.pathname);
  return token;
}

window.addEventListener("popstate", render);
window.addEventListener("pageshow", (event) => {
  // A page out of the browser's memory has no live connection any more.
  if (event.persisted) render();
});
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.target !== "" || link.hasAttribute("download")) return;
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  const address = new URL(link.href, window.location.href);
  const ours = /^\/($|account$|profile$|progress(\/|$)|admin(\/|$)|interview\/|report\/)/.test(address.pathname);
  if (address.origin !== window.location.origin || !ours) return;
  event.preventDefault();
  go(address.pathname + address.hash);
});

render();
