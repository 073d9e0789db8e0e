// Invitations to one interview: who has a link, made and taken back; the link itself is shown once.

import { request } from "../api";
import { fill, h } from "../dom";
import { note } from "../frame";
import type { Visit } from "../main";
import { dateAndTime, t } from "../text";
import { field, form } from "../views/form";
import { act, pages, table } from "./pages";
import { records, text, type Fields } from "./read";

const words = t.admin.invitations;
const PAGE = "25";

export function invitations(visit: Visit, interview: string): HTMLElement {
  const path = `/interviews/${interview}/invitations`;
  const said = h("div", { "aria-live": "polite" });
  const made = h("div", { "aria-live": "polite" });
  const box = h("tbody", {});
  const row = (one: Fields): HTMLElement => {
    const revoked = text(one, "revoked_at") !== "";
    const accepted = text(one, "accepted_at") !== "";
    const state = revoked ? words.revoked : accepted ? words.accepted : words.open;
    const revoke = act(words.revoke, said, async () => {
      await request(`${path}/${text(one, "id")}`, { method: "DELETE" });
      await list.load({ limit: PAGE });
    });
    const period = words.window(dateAndTime(text(one, "valid_from")), dateAndTime(text(one, "valid_until")));
    return h("tr", {}, h("td", {}, text(one, "email")), h("td", {}, period), h("td", {}, h("span", { class: `chip ${revoked ? "bad" : accepted ? "good" : ""}` }, state)), h("td", {}, revoked ? null : revoke));
  };
  const list = pages({ path, cursor: "before", box, none: words.none, signal: visit.signal, rows: (answer) => records(answer, "invitations").map(row) });
  void list.load({ limit: PAGE });

  const email = field({ label: words.email, name: "email", type: "email" });
  const from = field({ label: words.from, name: "valid_from", type: "datetime-local", optional: true });
  const until = field({ label: words.until, name: "valid_until", type: "datetime-local", optional: true });
  const invite = form([email, from, until], words.invite, async () => {
    fill(made);
    const json = { email: email.value(), ...at("valid_from", from.value()), ...at("valid_until", until.value()) };
    const link = text(await request(path, { method: "POST", json }), "join_url");
    fill(made, shown(new URL(link, window.location.origin).href));
    email.clear();
    await list.load({ limit: PAGE });
  });
  return h("section", { class: "card stack", testid: "invitations" }, h("h2", {}, words.title), h("p", { class: "soft small" }, words.lead), invite, made, said, table([words.columns.email, words.columns.window, words.columns.state, words.columns.acts], box, "invited"), list.foot);
}

/** The link, to be sent: the server keeps its hash alone. */
function shown(link: string): HTMLElement {
  const input = h("input", { class: "input", readonly: true, "aria-label": words.link, testid: "join-link" });
  input.value = link;
  input.addEventListener("focus", () => input.select());
  return note("", "check", words.made, input);
}

/** A time of the reader's own zone; what is left open is for the server to choose. */
function at(name: string, value: string): Record<string, string> {
  const date = new Date(value);
  return value === "" || Number.isNaN(date.getTime()) ? {} : { [name]: date.toISOString() };
}
