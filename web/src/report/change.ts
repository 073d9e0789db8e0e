// How a person changes the level of an answer: a level, or none, and a reason, which is asked for.

import { request } from "../api";
import { freshId, h } from "../dom";
import { select } from "../frame";
import type { Visit } from "../main";
import { t } from "../text";
import { field, form } from "../views/form";

const words = t.admin.interview;

/** The form; `changed` is called once the server has stored the change. */
export function levelForm(visit: Visit, interview: string, question: { id: string; level: number | null }, changed: () => Promise<void>): HTMLElement {
  const chosen = freshId("level");
  const levels = select(chosen, [...[1, 2, 3, 4, 5].map((n) => ({ value: String(n), label: String(n) })), { value: "", label: words.leaveOut }]);
  levels.field.value = String(question.level ?? "");
  const reason = field({ label: words.reason, name: "reason" });
  const change = form([reason], words.change, async () => {
    const level = levels.field.value === "" ? null : Number(levels.field.value);
    await request(`/interviews/${interview}/overrides`, { method: "POST", json: { question_id: question.id, level, reason: reason.value() } });
    if (!visit.signal.aborted) await changed();
  });
  change.prepend(h("div", { class: "field" }, h("label", { for: chosen }, words.newLevel), levels.box));
  return change;
}
