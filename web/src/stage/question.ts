// How a question stands on the page: its place in the plan, its kind and time, its words.

import { h } from "../dom";
import { t } from "../text";
import type { Question } from "../wire";

export function questionParts(question: Question, language: string): HTMLElement[] {
  const minutes = Math.round(question.timeBoxS / 60);
  const kind = t.stage.kinds[question.kind] ?? question.kind;
  return [
    h(
      "p",
      { class: "question-meta" },
      h("span", { class: "chip accent", testid: "question-number" }, t.stage.questionOf(question.number, question.of)),
      h("span", { class: "soft small" }, [kind, minutes > 0 ? t.stage.timeBox(minutes) : ""].filter(Boolean).join(" · ")),
    ),
    h("p", { class: "question-text", lang: language, testid: "question-text" }, question.text),
  ];
}
