// Disclosure and consent. Without a stored consent this step never ends well: nothing here may presume it.

import { postConsent, Problem, type Interview } from "../api";
import { fill, h, paragraphs } from "../dom";
import { button, note, show, steps } from "../frame";
import { icon, type IconName } from "../icons";
import type { Visit } from "../main";
import { t } from "../text";

/** Resolves once the server has stored the consent. */
export function consentStep(visit: Visit, interview: Interview, token: string | null): Promise<void> {
  return new Promise((resolve) => {
    const disclosure = interview.disclosure;
    if (disclosure === null || disclosure.text === "") {
      show(visit.main, t.consent.title, h("div", { class: "narrow stack" }, steps("consent", interview.mode), h("h1", {}, t.consent.title), note("bad", "warning", t.consent.missing)));
      return;
    }
    const check = h("input", { type: "checkbox", testid: "consent-check", id: "consent-check" });
    const agree = button(t.consent.continue, { class: "primary large", icon: "arrow", testid: "consent-continue" });
    const decline = h("a", { class: "button quiet", href: "/" }, t.consent.decline);
    const failure = h("div", { "aria-live": "assertive" });
    agree.disabled = true;
    check.addEventListener("change", () => {
      agree.disabled = !check.checked;
    });
    agree.addEventListener("click", () => {
      agree.disabled = true;
      fill(failure);
      postConsent(interview.id, token, disclosure.version).then(resolve, (error: unknown) => {
        const words = error instanceof Problem ? error.words : t.problems.server;
        fill(failure, note("bad", "warning", t.consent.failed, h("p", {}, words)));
        agree.disabled = !check.checked;
      });
    });
    show(
      visit.main,
      t.consent.title,
      h(
        "div",
        { class: "narrow stack" },
        steps("consent", interview.mode),
        h("h1", {}, t.consent.title),
        h(
          "div",
          { class: "card consent" },
          h("ul", { class: "facts" }, fact("wave", t.consent.ai, t.consent.aiText), interview.mode === "voice" ? fact("microphone", t.consent.recorded, t.consent.recordedText) : fact("keyboard", t.consent.kept, t.consent.keptText)),
          h("div", { class: "disclosure stack", lang: interview.language }, h("h2", {}, t.consent.full), paragraphs(disclosure.text)),
          interview.mode === "voice" ? h("p", { class: "soft small" }, t.consent.noted) : null,
          h("label", { class: "check", for: "consent-check" }, check, h("span", {}, t.consent.check)),
        ),
        failure,
        h("div", { class: "row" }, agree, decline),
      ),
    );
  });
}

function fact(name: IconName, title: string, text: string): HTMLElement {
  return h("li", {}, icon(name), h("div", {}, h("strong", {}, title), h("p", { class: "soft" }, text)));
}
