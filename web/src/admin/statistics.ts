// Figures over many interviews: how they ended, scores, how fast we answered, how hard the questions proved.

import { request } from "../api";
import { fill, h } from "../dom";
import { select, waiting } from "../frame";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { saidBy } from "../views/form";
import { pages, table } from "./pages";
import { list, number, record, records, text, type Fields } from "./read";

const words = t.admin.statistics;
const PERIODS_DAYS = [7, 30, 90, 365];
const PAGE = "25";
const DAY_MS = 86_400_000;

export function statisticsPart(visit: Visit, slot: HTMLElement): void {
  const figures = h("div", { class: "stack-wide" });
  const box = h("tbody", {});
  const pager = pages({ path: "/statistics/questions", cursor: "after", box, none: t.admin.none, signal: visit.signal, rows: (answer) => records(answer, "questions").map(question) });
  const period = select("period", PERIODS_DAYS.map((days) => ({ value: String(days), label: words.lastDays(days) })));
  period.field.value = "30";
  const load = (): void => {
    const from = new Date(Date.now() - Number(period.field.value) * DAY_MS).toISOString();
    void pager.load({ from, limit: PAGE });
    void draw(visit, figures, from);
  };
  period.field.addEventListener("change", load);
  const c = words.columns;
  slot.append(
    h("div", { class: "field" }, h("label", { for: "period" }, words.days), period.box),
    figures,
    h("section", { class: "card stack" }, h("h2", {}, words.difficulty), h("p", { class: "soft small" }, words.difficultyHint), table([c.question, c.level, c.stated, c.asked, c.measured, c.skipped], box, "difficulty"), pager.foot),
  );
  load();
}

async function draw(visit: Visit, figures: HTMLElement, from: string): Promise<void> {
  fill(figures, waiting(t.front.loading));
  try {
    const all = await request(`/statistics?${new URLSearchParams({ from })}`, { signal: visit.signal });
    if (visit.signal.aborted) return;
    const interviews = record(all, "interviews");
    const scores = record(all, "scores");
    const latency = record(all, "latency");
    const count = (fields: Fields, name: string): string => String(number(fields, name) ?? 0);
    const tiles = [
      [words.made, count(interviews, "made"), ""],
      [words.began, count(interviews, "began"), ""],
      [words.completed, count(interviews, "completed"), words.share(number(interviews, "completion_share"))],
      [words.failed, count(interviews, "failed"), words.share(number(interviews, "failure_share"))],
      [words.reports, count(scores, "reports"), ""],
      [words.minutes, words.min(number(interviews, "mean_minutes")), ""],
      [words.reply, words.ms(number(latency, "p50_ms")), ""],
      [words.reply95, words.ms(number(latency, "p95_ms")), ""],
      [words.reply99, words.ms(number(latency, "p99_ms")), ""],
    ] as const;
    const distribution = list(scores, "distribution").map(Number);
    const scoreCanvas = h("canvas", { role: "img", "aria-label": `${words.scores}: ${distribution.join(", ")}` });
    const days = records(all, "days");
    const dayCanvas = h("canvas", { role: "img", "aria-label": words.perDay });
    fill(
      figures,
      h("dl", { class: "tiles", testid: "figures" }, tiles.map(([name, value, more]) => h("div", { class: "card" }, h("dt", { class: "soft small" }, name), h("dd", {}, h("strong", {}, value), " ", h("span", { class: "soft" }, more))))),
      h("section", { class: "card stack" }, h("h2", {}, words.scores), h("p", { class: "soft small" }, words.scoresHint), h("div", { class: "chart" }, scoreCanvas)),
      h("section", { class: "card stack" }, h("h2", {}, words.perDay), h("div", { class: "chart" }, dayCanvas)),
    );
    const charts = await import("../charts");
    if (visit.signal.aborted) return;
    charts.bars(scoreCanvas, visit.signal, distribution.map((_, tenth) => (1 + tenth * 0.4).toFixed(1)), [distribution]);
    charts.bars(dayCanvas, visit.signal, days.map((day) => text(day, "day")), [days.map((day) => number(day, "completed") ?? 0), days.map((day) => number(day, "made") ?? 0)]);
  } catch (error) {
    if (!visit.signal.aborted) fill(figures, saidBy(error));
  }
}

function question(one: Fields): HTMLElement {
  const measured = number(one, "measured_difficulty");
  const error = number(one, "standard_error");
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  return h(
    "tr",
    {},
    h("td", {}, `${text(one, "question_key")} (${text(one, "language")})`),
    h("td", {}, levelName(text(one, "level"))),
    h("td", {}, String(number(one, "stated_difficulty") ?? "")),
    h("td", {}, String(number(one, "asked") ?? 0)),
    h("td", {}, measured === null ? "" : `${percent(measured)}${error === null ? "" : ` ± ${percent(error)}`}`),
    h("td", {}, String(number(one, "skipped") ?? 0)),
  );
}
