// The frame around every view: the top bar, the landmarks, and where the focus goes when the view changes.

import { fill, h, type Child } from "./dom";
import { icon, mark, type IconName } from "./icons";
import { PAGE_LANGUAGES, speak, t } from "./text";

export interface Frame {
  /** What stands right of the brand. */
  bar: HTMLElement;
  main: HTMLElement;
}

export function frame(root: HTMLElement): Frame {
  const bar = h("div", { class: "bar-slot" });
  const main = h("main", { id: "content", tabindex: "-1" });
  fill(
    root,
    h("a", { class: "skip-link", href: "#content" }, t.skipToContent),
    h(
      "header",
      { class: "top" },
      h("div", { class: "top-inner" }, h("a", { class: "brand", href: "/", "aria-label": t.brand }, mark(), h("span", {}, t.brand)), bar, pageLanguage()),
    ),
    main,
  );
  root.querySelector(".skip-link")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  return { bar, main };
}

function pageLanguage(): HTMLElement {
  const options = PAGE_LANGUAGES.map(({ code, name }) => h("option", { value: code, lang: code, selected: code === t.lang }, name));
  const field = h("select", { class: "page-language", "aria-label": t.pageLanguage, testid: "page-language" }, options);
  field.addEventListener("change", () => speak(field.value));
  return field;
}

/** Shows one view: its content, its title, and its heading under the reader's cursor. */
export function show(main: HTMLElement, title: string, ...content: Child[]): void {
  document.title = title === t.brand ? title : `${title} · ${t.brand}`;
  fill(main, ...content);
  window.scrollTo(0, 0);
  const heading = main.querySelector("h1");
  if (heading !== null) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

export type StepName = "microphone" | "consent" | "interview" | "report";
const STEPS: readonly StepName[] = ["microphone", "consent", "interview", "report"];

/** Where one is on the way from the microphone to the report. */
export function steps(current: StepName, mode: "voice" | "text" = "voice"): HTMLElement {
  const names = STEPS.filter((step) => mode === "voice" || step !== "microphone");
  const at = names.indexOf(current);
  return h(
    "nav",
    { class: "steps", "aria-label": t.steps.label },
    h(
      "ol",
      {},
      names.map((step, index) =>
        h(
          "li",
          { class: index < at ? "step-past" : index === at ? "step-now" : "step-next", "aria-current": index === at ? "step" : null },
          h("span", { class: "dot", "aria-hidden": "true" }, index < at ? icon("check") : String(index + 1)),
          h("span", { class: "word" }, t.steps[step]),
        ),
      ),
    ),
  );
}

export function note(kind: "" | "warn" | "bad", name: IconName, title: string, ...rest: Child[]): HTMLElement {
  return h(
    "div",
    { class: `note ${kind}`, role: kind === "bad" ? "alert" : null },
    icon(name),
    h("div", {}, title === "" ? null : h("p", { class: "title" }, title), rest),
  );
}

export function waiting(words: string): HTMLElement {
  return h("div", { class: "waiting", role: "status" }, h("div", { class: "spinner" }), h("p", { class: "soft" }, words));
}

/** A whole view that says what went wrong and what can be done. */
export function showProblem(main: HTMLElement, title: string, words: string, ...actions: Child[]): void {
  show(
    main,
    title,
    h(
      "div",
      { class: "narrow stack", testid: "problem" },
      h("h1", {}, title),
      h("p", { class: "lead" }, words),
      h("div", { class: "row" }, actions, h("a", { class: "button", href: "/" }, t.toFront)),
    ),
  );
}

export function button(
  words: string,
  options: { class?: string; icon?: IconName; testid?: string; type?: "button" | "submit" } = {},
): HTMLButtonElement {
  return h(
    "button",
    { type: options.type ?? "button", class: `button ${options.class ?? ""}`.trim(), testid: options.testid },
    options.icon && options.icon !== "arrow" ? icon(options.icon) : null,
    h("span", {}, words),
    options.icon === "arrow" ? icon("arrow") : null,
  );
}

/** A select with its own arrow, tied to its label. */
export function select(id: string, options: readonly { value: string; label: string }[]): {
  box: HTMLElement;
  field: HTMLSelectElement;
} {
  const field = h(
    "select",
    { id, class: "input" },
    options.map((option) => h("option", { value: option.value }, option.label)),
  );
  return { box: h("span", { class: "select" }, field, icon("chevron")), field };
}
