// Questions that a model drafted for an interview: an admin takes them into the bank, or puts them away.

import { request } from "../api";
import { h } from "../dom";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { act, pages } from "./pages";
import { records, text, type Fields } from "./read";

const words = t.admin.drafts;
const PAGE = "10";

/** `taken` is told when a question has come into the bank. */
export function drafts(visit: Visit, taken: () => void): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const box = h("div", { class: "stack" });
  const list = pages({ path: "/questions/drafts", cursor: "before", box, none: words.none, signal: visit.signal, rows: (answer) => records(answer, "drafts").map(item) });
  void list.load({ limit: PAGE });

  function item(one: Fields): HTMLElement {
    const element = h("details", { class: "answer-again", testid: "draft" });
    const review = async (accept: boolean): Promise<void> => {
      await request(`/questions/drafts/${text(one, "id")}`, { method: "POST", json: { accept } });
      element.remove();
      if (accept) taken();
    };
    const points = records(one, "key_points").map((point) => h("li", {}, text(point, "statement")));
    const language = text(one, "language");
    element.append(
      h("summary", {}, h("span", { lang: language }, text(one, "question_text")), " ", h("span", { class: "chip" }, text(one, "category")), " ", h("span", { class: "chip" }, levelName(text(one, "level")))),
      h("p", { lang: language }, text(one, "expected_answer")),
      h("ul", { lang: language }, points),
      h("div", { class: "row" }, act(words.accept, said, () => review(true), { class: "primary slim", testid: "accept" }), act(words.reject, said, () => review(false))),
    );
    return element;
  }

  return h("section", { class: "card stack", testid: "drafts" }, h("h2", {}, words.title), h("p", { class: "soft small" }, words.lead), said, box, list.foot);
}
