// Interviews: those in progress on top, below them all, by filters and pages.

import { h } from "../dom";
import type { Visit } from "../main";
import { dateAndTime, levelName, t } from "../text";
import { act, categoryOptions, filters, pages, statusChip, table } from "./pages";
import { records, text, type Fields } from "./read";
import { schedule } from "./schedule";

const words = t.admin;
const LEVELS = ["junior", "middle", "senior"];
const PAGE = "25";
/** How often the list of live interviews is looked at again. */
const LOOK_MS = 5_000;

export function interviewsPart(visit: Visit, slot: HTMLElement): void {
  const columns = [words.columns.interview, words.columns.status, words.columns.category, words.columns.level, words.columns.made, words.columns.report];
  const liveBox = h("tbody", {});
  const live = pages({ path: "/interviews", cursor: "before", box: liveBox, none: words.noneLive, signal: visit.signal, rows });
  const look = (): void => void live.load({ live: "true", limit: PAGE });
  look();
  const timer = window.setInterval(look, LOOK_MS);
  visit.signal.addEventListener("abort", () => window.clearInterval(timer));

  const box = h("tbody", {});
  const all = pages({ path: "/interviews", cursor: "before", box, none: words.none, signal: visit.signal, rows });
  void all.load({ limit: PAGE });
  const reload = (query: Record<string, string>): void => {
    const { from = "", to = "", ...rest } = query;
    // A day is meant whole, in the reader's own zone.
    const at = (value: string, days: number): string => {
      const date = new Date(`${value}T00:00:00`);
      date.setDate(date.getDate() + days);
      return Number.isNaN(date.getTime()) ? "" : date.toISOString();
    };
    void all.load({ ...rest, from: at(from, 0), to: at(to, 1), limit: PAGE });
  };
  const bar = h("div", {});
  const draw = (categories: { value: string; label: string }[]): void => {
    const named = (names: readonly string[], label: (name: string) => string): { value: string; label: string }[] => names.map((value) => ({ value, label: label(value) }));
    bar.replaceChildren(
      filters(
        [
          { name: "search", label: words.filter.search },
          { name: "status", label: words.filter.status, options: named(Object.keys(words.statuses), (one) => words.statuses[one] ?? one) },
          { name: "category", label: words.filter.category, options: categories },
          { name: "level", label: words.filter.level, options: named(LEVELS, levelName) },
          { name: "purpose", label: words.filter.purpose, options: named(["practice", "official"], (one) => words.purposes[one] ?? one) },
          { name: "from", label: words.filter.from, type: "date" },
          { name: "to", label: words.filter.to, type: "date" },
        ],
        reload,
      ),
    );
  };
  void categoryOptions(visit.signal).then(
    (found) => draw([...new Map(found.map((one) => [one.slug, { value: one.slug, label: one.slug }])).values()]),
    () => draw([]),
  );
  const said = h("div", { "aria-live": "polite" });
  const make = act(words.schedule.title, said, () => schedule(visit), { class: "primary", testid: "schedule" });
  slot.append(
    h("div", { class: "row" }, make),
    said,
    h("section", { class: "card stack" }, h("h2", {}, words.live), table(columns, liveBox, "live-interviews"), live.foot),
    h("section", { class: "card stack" }, h("h2", {}, words.all), bar, table(columns, box, "interviews"), all.foot),
  );
}

function rows(answer: unknown): HTMLElement[] {
  return records(answer, "interviews").map(row);
}

function row(one: Fields): HTMLElement {
  const ready = text(one, "report_state") === "ready";
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: `/admin/interviews/${text(one, "id")}` }, text(one, "title"))),
    h("td", {}, statusChip(text(one, "status"))),
    h("td", {}, text(one, "category")),
    h("td", {}, levelName(text(one, "level"))),
    h("td", {}, dateAndTime(text(one, "created_at"))),
    h("td", {}, ready ? h("a", { href: `/report/${text(one, "id")}` }, words.columns.report) : text(one, "report_state")),
  );
}
