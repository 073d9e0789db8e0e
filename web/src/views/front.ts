// The front page: what this is, the form that sets up an interview, and the way back to earlier ones.

import { fetchCategories, Problem } from "../api";
import { fill, h } from "../dom";
import { button, note, show, waiting } from "../frame";
import type { Visit } from "../main";
import { forgetInterviews, rememberedInterviews } from "../storage";
import { dateAndTime, levelName, t } from "../text";
import { setupForm } from "./setup-form";

export function front(visit: Visit): void {
  const slot = h("div", {}, waiting(t.front.loading));
  show(
    visit.main,
    t.brand,
    h(
      "div",
      { class: "front" },
      h("div", { class: "front-words" }, intro(), howItGoes()),
      h("section", { class: "card front-form", "aria-labelledby": "form-title" }, h("h2", { id: "form-title" }, t.front.form), slot),
    ),
    pastInterviews(),
  );
  void load(visit, slot);
}

async function load(visit: Visit, slot: HTMLElement): Promise<void> {
  try {
    const categories = await fetchCategories(visit.signal);
    if (visit.signal.aborted) return;
    if (categories.length === 0) fill(slot, note("", "info", t.front.none, h("p", {}, t.front.noneHint)));
    else fill(slot, setupForm(visit, categories));
  } catch (error) {
    if (visit.signal.aborted) return;
    fill(slot, loadFailure(error, () => front(visit)));
  }
}

function loadFailure(error: unknown, again: () => void): HTMLElement {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 401 || status === 403) return note("", "info", t.front.invitationOnly);
  const retry = button(t.tryAgain, { icon: "repeat", class: "slim" });
  retry.addEventListener("click", again);
  const words = error instanceof Problem ? error.words : t.problems.server;
  return note("bad", "warning", t.front.failed, h("p", {}, words), h("div", { class: "row" }, retry));
}

function intro(): HTMLElement {
  return h("div", { class: "stack" }, h("h1", {}, t.front.title), h("p", { class: "lead" }, t.front.lead));
}

function howItGoes(): HTMLElement {
  return h(
    "section",
    { "aria-labelledby": "how-title", class: "how" },
    h("h2", { id: "how-title", class: "visually-hidden" }, t.front.howTitle),
    h(
      "ol",
      {},
      t.front.how.map((step, index) =>
        h(
          "li",
          {},
          h("span", { class: "dot", "aria-hidden": "true" }, String(index + 1)),
          h("div", {}, h("h3", {}, step.title), h("p", { class: "soft" }, step.text)),
        ),
      ),
    ),
  );
}

function pastInterviews(): HTMLElement | null {
  const entries = rememberedInterviews();
  if (entries.length === 0) return null;
  const forget = button(t.front.forget, { class: "quiet slim" });
  const section = h(
    "section",
    { class: "past", "aria-labelledby": "past-title", testid: "past" },
    h("div", { class: "row past-head" }, h("h2", { id: "past-title" }, t.front.past), forget),
    h(
      "ul",
      { class: "past-list" },
      entries.map((entry) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: `/report/${entry.id}` },
            h("span", { class: "past-title" }, entry.title || t.report.title),
            h("span", { class: "soft small" }, [levelName(entry.level), dateAndTime(entry.started)].filter(Boolean).join(" · ")),
          ),
        ),
      ),
    ),
  );
  forget.addEventListener("click", () => {
    forgetInterviews();
    section.remove();
  });
  return section;
}
