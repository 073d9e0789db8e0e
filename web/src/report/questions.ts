// The questions of a report, one under the other: what was asked, what was said, and what it was worth.

import { h, paragraphs } from "../dom";
import { icon, type IconName } from "../icons";
import { t } from "../text";
import type { KeyPoint, ReportQuestion } from "./model";
import { quoteButton } from "./parts";
import type { Player } from "./player";

export const STATUS_ICONS: Record<string, IconName> = { met: "check-circle", partial: "half", missed: "circle", wrong: "cross-circle" };
const LEVEL_MAX = 5;

/** Gives the form with which a person changes a question's level; null where nobody may. */
export type Change = ((question: ReportQuestion) => HTMLElement) | null;

export function questionList(questions: ReportQuestion[], player: Player, language: string, change: Change): HTMLElement {
  return h("div", { class: "question-list" }, questions.map((question) => questionItem(question, player, language, change)));
}

function questionItem(question: ReportQuestion, player: Player, language: string, change: Change): HTMLElement {
  const judged = question.level !== null || question.keyPoints.length > 0 || question.answer !== null;
  return h(
    "details",
    { class: "card question-item", open: judged && question.number === 1 },
    h(
      "summary",
      {},
      h("span", { class: "number", "aria-hidden": "true" }, String(question.number)),
      h("span", { class: "asked", lang: language }, h("span", { class: "visually-hidden" }, `${t.report.questionNumber(question.number)}: `), question.text),
      mark(question),
      h("span", { class: "turner", "aria-hidden": "true" }, icon("chevron")),
    ),
    h("div", { class: "question-body" }, body(question, player, language), change === null ? null : changing(change(question), question)),
  );
}

function changing(form: HTMLElement, question: ReportQuestion): HTMLElement {
  return h("details", { class: "reference", testid: `change-${question.id}` }, h("summary", {}, t.admin.interview.change), form);
}

function mark(question: ReportQuestion): HTMLElement {
  if (question.level === null) return h("span", { class: "chip" }, t.report.states[question.state] ?? question.state);
  const pips = Array.from({ length: LEVEL_MAX }, (_, index) => h("span", { class: index < (question.level ?? 0) ? "on" : "" }));
  return h("span", { class: "pips", role: "img", "aria-label": t.report.level(question.level) }, pips);
}

function body(question: ReportQuestion, player: Player, language: string): (HTMLElement | null)[] {
  return [
    h(
      "p",
      { class: "question-meta" },
      question.level === null ? null : h("span", { class: "chip accent" }, t.report.level(question.level)),
      question.kind === "" ? null : h("span", { class: "chip" }, t.stage.kinds[question.kind] ?? question.kind),
      question.prompted ? h("span", { class: "chip" }, t.report.prompted) : null,
      question.scoredLevel === question.level ? null : h("span", { class: "chip" }, t.report.scorerGave(question.scoredLevel)),
    ),
    question.faults.length === 0
      ? null
      : h("div", {}, h("h3", {}, t.report.ourFault), h("ul", { class: "plain-list" }, question.faults.map((fault) => h("li", {}, fault)))),
    question.comment === "" ? null : h("p", {}, question.comment),
    question.keyPoints.length === 0
      ? null
      : h("div", {}, h("h3", {}, t.report.keyPoints), h("ul", { class: "key-points" }, question.keyPoints.map((point) => keyPoint(point, player, language)))),
    question.misconceptions.length === 0
      ? null
      : h(
          "div",
          {},
          h("h3", {}, t.report.misconceptions),
          h(
            "ul",
            { class: "key-points" },
            question.misconceptions.map((wrong) =>
              h("li", { class: "wrong" }, icon("warning"), h("div", {}, h("p", {}, wrong.text), wrong.quote === null ? null : quoteButton(wrong.quote, player, language))),
            ),
          ),
        ),
    question.answer === null ? null : h("div", {}, h("h3", {}, t.report.answer), quoteButton(question.answer, player, language)),
    question.probes.length === 0
      ? null
      : h("div", {}, h("h3", {}, t.report.probes), h("ul", { class: "plain-list", lang: language }, question.probes.map((probe) => h("li", {}, probe)))),
    question.reference === ""
      ? null
      : h("details", { class: "reference" }, h("summary", {}, t.report.reference), h("div", { class: "stack", lang: language }, paragraphs(question.reference))),
  ];
}

function keyPoint(point: KeyPoint, player: Player, language: string): HTMLElement {
  const status = t.report.statuses[point.status] ?? point.status;
  return h(
    "li",
    { class: point.status in STATUS_ICONS ? point.status : "missed" },
    icon(STATUS_ICONS[point.status] ?? "circle"),
    h(
      "div",
      {},
      h("p", {}, h("span", { class: "status" }, status), " ", h("span", { lang: language }, point.statement)),
      point.quote === null ? null : quoteButton(point.quote, player, language),
    ),
  );
}
