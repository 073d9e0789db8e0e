// What an answer was worth, shown as it is made: first that it is being looked at, then point by point, then the whole.

import { fill, h, paragraphs } from "../dom";
import { icon } from "../icons";
import { STATUS_ICONS } from "../report/questions";
import { t } from "../text";
import type { Feedback, Point } from "./model";

const LEVEL_MAX = 5;

export class FeedbackCard {
  readonly element: HTMLElement;
  private readonly head = h("p", { class: "feedback-head" }, h("span", { class: "soft" }, t.written.weighing));
  private readonly points = h("ul", { class: "key-points" });
  private readonly rest = h("div", { class: "stack" });

  constructor(private readonly language: string) {
    this.element = h("section", { class: "card feedback-card", "aria-label": t.written.feedback, testid: "feedback" }, this.head, this.points, this.rest);
  }

  add(point: Point): void {
    const status = t.report.statuses[point.status] ?? point.status;
    this.points.append(
      h(
        "li",
        { class: point.status in STATUS_ICONS ? point.status : "missed" },
        icon(STATUS_ICONS[point.status] ?? "circle"),
        h(
          "div",
          {},
          h("p", {}, h("span", { class: "status" }, status), " ", h("span", { lang: this.language }, point.statement)),
          point.quote === "" ? null : h("blockquote", { lang: this.language }, point.quote),
        ),
      ),
    );
  }

  whole(feedback: Feedback): void {
    const level = feedback.level;
    const pips = Array.from({ length: LEVEL_MAX }, (_, index) => h("span", { class: index < (level ?? 0) ? "on" : "" }));
    fill(
      this.head,
      level === null
        ? h("span", { class: "chip" }, t.report.states[feedback.outcome] ?? t.report.noEvidence)
        : [h("span", { class: "chip accent", testid: "level" }, t.report.level(level)), " ", h("span", { class: "pips", "aria-hidden": "true" }, pips)],
    );
    fill(this.points);
    if (level !== null) for (const point of feedback.points) this.add(point);
    fill(
      this.rest,
      feedback.comment === "" ? null : h("p", {}, feedback.comment),
      feedback.reference === ""
        ? null
        : h("details", { class: "reference" }, h("summary", {}, t.report.reference), h("div", { class: "stack", lang: this.language }, paragraphs(feedback.reference))),
    );
  }

  failed(): void {
    fill(this.head, h("span", { class: "soft" }, t.written.feedbackLater));
  }
}
