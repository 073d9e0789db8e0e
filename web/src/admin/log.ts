// Who of the staff read or changed what of other people: for admins, the newest first.

import { h } from "../dom";
import type { Visit } from "../main";
import { dateAndTime, t } from "../text";
import { filters, pages, table } from "./pages";
import { number, record, records, text, type Fields } from "./read";

const words = t.admin.log;
const PAGE = "50";

/** `interview`: only what was done with this one. */
export function logPart(visit: Visit, slot: HTMLElement, interview: string | null): void {
  const box = h("tbody", {});
  const of: Record<string, string> = interview === null ? {} : { subject_kind: "interview", subject_id: interview };
  const pager = pages({ path: "/audit-log", cursor: "before", box, none: t.admin.none, signal: visit.signal, rows: (answer) => records(answer, "entries").map(row) });
  void pager.load({ ...of, limit: PAGE });
  const actions = Object.entries(words.actions).map(([value, label]) => ({ value, label }));
  const bar = filters([{ name: "action", label: words.columns.action, options: actions }], (query) => void pager.load({ ...query, ...of, limit: PAGE }));
  const columns = [words.columns.at, words.columns.actor, words.columns.action, words.columns.subject, words.columns.detail];
  const all = interview === null ? null : h("p", {}, h("a", { href: "/admin/log" }, words.all));
  slot.append(h("section", { class: "card stack" }, h("h2", {}, t.admin.tabs["log"]), all, bar, table(columns, box, "log"), pager.foot));
}

function row(one: Fields): HTMLElement {
  const action = text(one, "action");
  const cells = [dateAndTime(text(one, "at")), text(one, "actor"), words.actions[action] ?? action, subject(one), detail(one)];
  return h("tr", { testid: `log-${action}` }, cells.map((cell) => h("td", {}, cell)));
}

function subject(one: Fields): HTMLElement | string {
  const [kind, id] = [text(one, "subject_kind"), text(one, "subject_id")];
  const name = words.kinds[kind] ?? kind;
  const pathnames: Record<string, string> = { interview: `/admin/interviews/${id}`, user: `/progress/${id}` };
  const pathname = pathnames[kind];
  return pathname === undefined ? `${name} ${id}` : h("a", { href: pathname, title: id }, `${name} …${id.slice(-6)}`);
}

/** What was changed into what, of a score. */
function detail(one: Fields): string {
  if (text(one, "action") !== "score.override") return "";
  const change = record(one, "detail");
  return `${text(change, "question_key")}: ${t.report.changed(number(change, "old"), number(change, "new"))}`;
}
