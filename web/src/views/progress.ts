// Somebody's progress: scores over time, mastery with its uncertainty, what is weak, what to repeat, every answer again.

import { account } from "../account/session";
import { pages, act } from "../admin/pages";
import { flag, list, number, record, records, text, texts, type Fields } from "../admin/read";
import { request } from "../api";
import { fill, h, type Child } from "../dom";
import { note, show, waiting } from "../frame";
import type { Visit } from "../main";
import { preference, remember } from "../storage";
import { dateAndTime, levelName, oneDecimal, t } from "../text";
import { saidBy } from "./form";

const words = t.progress;
const PAGE = "10";

/** `user`: somebody else's, for staff. */
export function progressView(visit: Visit, user: string | null): void {
  const slot = h("div", { class: "stack-wide" }, waiting(t.front.loading));
  show(visit.main, words.title, h("div", { class: "narrow stack-wide", testid: "progress" }, h("h1", {}, words.title), h("p", { class: "lead" }, words.lead), slot));
  void load(visit, slot, user);
}

async function load(visit: Visit, slot: HTMLElement, user: string | null): Promise<void> {
  try {
    const progress = await request(`/progress${user === null ? "" : `?user=${user}`}`, { signal: visit.signal });
    if (visit.signal.aborted) return;
    if (records(progress, "interviews").length === 0) return fill(slot, note("", "info", words.none));
    fill(slot, user === null ? practise(visit, progress) : null, scores(visit, progress), mastery(visit, progress), weak(progress), repeats(visit, user), history(visit, user));
  } catch (error) {
    if (!visit.signal.aborted) fill(slot, saidBy(error));
  }
}

function practise(visit: Visit, progress: unknown): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const start = act(
    words.practise,
    said,
    async () => {
      const made = await request("/progress/practice", { method: "POST", json: preference("mode") === "text" ? { mode: "text" } : {} });
      const id = text(made, "id");
      remember({ id, token: text(made, "join_token"), title: text(made, "title"), category: text(made, "category"), level: text(made, "level"), started: new Date().toISOString() });
      visit.go(`/interview/${id}`);
    },
    { class: "primary large", testid: "practise" },
  );
  return h("section", { class: "card stack" }, h("p", {}, words.practiseHint(number(progress, "due") ?? 0)), h("div", { class: "row" }, start), said);
}

function scores(visit: Visit, progress: unknown): HTMLElement {
  const held = records(progress, "interviews");
  const canvas = h("canvas", { role: "img", "aria-label": words.scores });
  const points = held.map((one) => {
    const [low, high] = list(one, "interval90");
    return { label: day(text(one, "at")), score: number(one, "score"), low: typeof low === "number" ? low : null, high: typeof high === "number" ? high : null };
  });
  void import("../charts").then((charts) => {
    if (!visit.signal.aborted) charts.scoresOverTime(canvas, visit.signal, points);
  });
  const rows = held.map((one) => {
    const score = number(one, "score");
    return h("li", {}, h("a", { href: `/report/${text(one, "interview_id")}` }, text(one, "title")), ` ${day(text(one, "at"))}: ${score === null ? t.admin.interview.noLevel : oneDecimal(score)}`);
  });
  return section(words.scores, words.scoresHint, h("div", { class: "chart" }, canvas), h("details", {}, h("summary", {}, `${held.length}`), h("ul", {}, rows.reverse())));
}

function mastery(visit: Visit, progress: unknown): HTMLElement | null {
  const all = records(progress, "competencies");
  if (all.length === 0) return null;
  const rows = all.map((one) => {
    const [low, high] = list(one, "interval90");
    return { label: text(one, "name"), score: number(one, "score") ?? 1, low: Number(low), high: Number(high), questions: number(one, "questions") ?? 0 };
  });
  const canvas = h("canvas", { role: "img", "aria-label": words.mastery });
  void import("../charts").then((charts) => {
    if (!visit.signal.aborted) charts.intervals(canvas, visit.signal, rows);
  });
  const said = rows.map((row) => h("li", {}, h("strong", {}, row.label), " ", words.masteryRow(oneDecimal(row.score), oneDecimal(row.low), oneDecimal(row.high), row.questions)));
  return section(words.mastery, words.masteryHint, h("div", { class: "chart" }, canvas), h("ul", { class: "plain-list", testid: "mastery" }, said));
}

function weak(progress: unknown): HTMLElement {
  const found = records(progress, "weak").map((one) => {
    const level = number(one, "level");
    const missed = texts(one, "missed");
    return h(
      "li",
      {},
      h("p", {}, h("a", { href: `/report/${text(one, "interview_id")}` }, text(one, "question")), " ", h("span", { class: "chip warn" }, level === null ? words.passed : words.level(level))),
      missed.length === 0 ? null : h("p", { class: "soft small" }, words.missed, " ", missed.join("; ")),
    );
  });
  return section(words.weak, "", found.length === 0 ? h("p", { class: "soft" }, words.weakNone) : h("ul", { class: "plain-list", testid: "weak" }, found));
}

function repeats(visit: Visit, user: string | null): HTMLElement {
  const box = h("ul", { class: "plain-list", testid: "repeats" });
  const pager = pages({ path: "/progress/repeats", cursor: "after", box, none: words.weakNone, signal: visit.signal, rows: (answer) => records(answer, "questions").map(repeat) });
  void pager.load({ limit: PAGE, user: user ?? "" });
  return section(words.repeats, words.repeatsHint, box, pager.foot);
}

function repeat(one: Fields): HTMLElement {
  const due = flag(one, "is_due");
  const points = records(one, "points").map((point) => text(point, "statement"));
  return h(
    "li",
    {},
    h("p", {}, text(one, "question"), " ", h("span", { class: `chip ${due ? "accent" : ""}` }, due ? words.due : words.dueOn(day(text(one, "due_at"))))),
    points.length === 0 ? null : h("p", { class: "soft small" }, points.join("; ")),
  );
}

function history(visit: Visit, user: string | null): HTMLElement {
  const box = h("div", { class: "stack", testid: "history" });
  const pager = pages({ path: "/progress/answers", cursor: "before", box, none: words.historyNone, signal: visit.signal, rows: (answer) => records(answer, "answers").map(entry) });
  void pager.load({ limit: PAGE, user: user ?? "" });
  return section(words.history, "", box, pager.foot);
}

function entry(one: Fields): HTMLElement {
  const level = number(one, "level");
  const points = records(one, "key_points").map((point) => h("li", {}, `${text(point, "status")}: ${text(point, "statement")}`, quote(point)));
  const summary = h("summary", {}, text(one, "question") || text(one, "question_key"), " ", h("span", { class: "chip" }, level === null ? words.passed : words.level(level)));
  return h(
    "details",
    { class: "answer-again" },
    summary,
    h("p", { class: "soft small" }, text(one, "title"), ", ", levelName(text(one, "interview_level")), ", ", dateAndTime(text(one, "at")), " ", h("a", { href: `/report/${text(one, "interview_id")}` }, words.toReport)),
    h("h3", {}, words.yourAnswer),
    h("p", {}, text(one, "answer") || words.noAnswer),
    text(one, "comment") === "" ? null : h("p", {}, text(one, "comment")),
    points.length === 0 ? null : h("ul", {}, points),
    text(one, "expected_answer") === "" ? null : [h("h3", {}, words.expected), h("p", {}, text(one, "expected_answer"))],
  );
}

function quote(point: Fields): Child {
  const said = text(record(point, "quote"), "text");
  return said === "" ? null : h("q", { class: "soft" }, said);
}

function section(title: string, hint: string, ...content: Child[]): HTMLElement {
  return h("section", { class: "card stack" }, h("h2", {}, title), hint === "" ? null : h("p", { class: "soft small" }, hint), content);
}

function day(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleDateString(t.lang, { dateStyle: "medium" });
}

/** Whether there is somebody whose progress can be shown: an account, or practice at this machine. */
export function isStaff(): boolean {
  const role = account()?.role;
  return role === "admin" || role === "interviewer";
}
