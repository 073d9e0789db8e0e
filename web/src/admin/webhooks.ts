// Who is told when an interview begins, ends, or has its report: receivers, what was sent to them, and sending it again.

import { request } from "../api";
import { fill, h } from "../dom";
import { note } from "../frame";
import type { Visit } from "../main";
import { dateAndTime, t } from "../text";
import { field, form } from "../views/form";
import { check } from "./dialog";
import { act, pages, table, type Pages } from "./pages";
import { flag, number, records, text, texts, type Fields } from "./read";

const words = t.admin.webhooks;
const EVENTS = ["interview.started", "interview.ended", "report.ready"];
const PAGE = "25";

export function webhooksPart(visit: Visit, slot: HTMLElement): void {
  const said = h("div", { "aria-live": "polite" });
  const made = h("div", { "aria-live": "polite" });
  const sent = h("div", {});
  const box = h("tbody", {});
  const list: Pages = pages({ path: "/webhooks", cursor: "before", box, none: words.none, signal: visit.signal, rows: (answer) => records(answer, "webhooks").map(row) });
  const reload = (): Promise<void> => list.load({ limit: PAGE });
  void reload();

  function row(one: Fields): HTMLElement {
    const [path, active] = [`/webhooks/${text(one, "id")}`, flag(one, "active")];
    const acts = [
      act(words.sent, said, async () => fill(sent, deliveries(visit, path, text(one, "url")))),
      act(active ? words.rest : words.wake, said, async () => {
        await request(path, { method: "PATCH", json: { active: !active } });
        await reload();
      }),
      act(words.remove, said, async () => {
        await request(path, { method: "DELETE" });
        fill(sent);
        await reload();
      }),
    ];
    return h("tr", {}, h("td", {}, text(one, "url")), h("td", {}, texts(one, "events").join(", ")), h("td", {}, h("span", { class: `chip ${active ? "good" : ""}` }, active ? words.active : words.resting)), h("td", { class: "row" }, acts));
  }

  const url = field({ label: words.url, name: "url", hint: words.urlHint });
  const events = EVENTS.map((name) => ({ name, ...check(name, true) }));
  const add = form([url], words.add, async () => {
    fill(made);
    const json = { url: url.value(), events: events.filter((one) => one.is()).map(({ name }) => name) };
    const secret = h("input", { class: "input", readonly: true, "aria-label": words.secret, testid: "secret" });
    secret.value = text(await request("/webhooks", { method: "POST", json }), "secret");
    fill(made, note("", "check", words.made, secret));
    url.clear();
    await reload();
  });
  add.prepend(...events.map((one) => one.element));
  slot.append(
    h("section", { class: "card stack", testid: "webhooks" }, h("h2", {}, t.admin.tabs["webhooks"]), h("p", { class: "soft small" }, words.lead), add, made, said, table([words.columns.url, words.columns.events, words.columns.state, words.columns.acts], box, "receivers"), list.foot),
    sent,
  );
}

/** What was sent to one of them, the newest first. */
function deliveries(visit: Visit, path: string, url: string): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const box = h("tbody", {});
  const list: Pages = pages({ path: `${path}/deliveries`, cursor: "before", box, none: words.noneSent, signal: visit.signal, rows: (answer) => records(answer, "deliveries").map(row) });
  void list.load({ limit: PAGE });
  function row(one: Fields): HTMLElement {
    const state = text(one, "state");
    const status = number(one, "response_status");
    const again = act(words.replay, said, async () => {
      await request(`${path}/deliveries/${text(one, "id")}/replay`, { method: "POST" });
      await list.load({ limit: PAGE });
    });
    const tone: Record<string, string> = { delivered: "good", failed: "bad" };
    const answer = [status === null ? "" : String(status), text(one, "response_error")].filter((part) => part !== "").join(" ");
    return h("tr", {}, h("td", {}, dateAndTime(text(one, "created_at"))), h("td", {}, text(one, "event")), h("td", {}, h("span", { class: `chip ${tone[state] ?? ""}` }, words.states[state] ?? state), " ", answer), h("td", {}, again));
  }
  return h("section", { class: "card stack" }, h("h2", {}, words.sentTo(url)), said, table([words.columns.at, words.columns.event, words.columns.state, words.columns.acts], box, "deliveries"), list.foot);
}
