// A form of text fields: labelled, sent once at a time, with what is wrong said beside the field that it is about.

import { Problem } from "../api";
import { fill, freshId, h, type Child } from "../dom";
import { button, note } from "../frame";
import { t } from "../text";

export interface Field {
  name: string;
  element: HTMLElement;
  value(): string;
  clear(): void;
  /** What is wrong with it; empty: nothing. */
  tell(words: string): void;
}

export function field(options: {
  label: string;
  name: string;
  type?: "text" | "email" | "password" | "datetime-local";
  value?: string;
  autocomplete?: string;
  hint?: string;
  optional?: boolean;
}): Field {
  const id = freshId(options.name);
  const wrong = h("span", { id: `${id}-wrong`, class: "field-wrong" });
  const input = h("input", {
    id,
    class: "input",
    name: options.name,
    type: options.type ?? "text",
    autocomplete: options.autocomplete ?? "off",
    required: !(options.optional ?? false),
    "aria-describedby": wrong.id,
  });
  input.value = options.value ?? "";
  const mark: Child = options.optional === true ? [" ", h("span", { class: "soft small" }, `(${t.front.optional})`)] : null;
  return {
    name: options.name,
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, options.label, mark),
      input,
      options.hint === undefined ? null : h("span", { class: "hint" }, options.hint),
      wrong,
    ),
    value: () => (options.type === "password" ? input.value : input.value.trim()),
    clear: () => {
      input.value = "";
    },
    tell: (words) => {
      fill(wrong, words);
      if (words === "") input.removeAttribute("aria-invalid");
      else input.setAttribute("aria-invalid", "true");
    },
  };
}

/** `send` may return words that are said when it is done. */
export function form(fields: Field[], words: string, send: () => Promise<string | void>): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const submit = button(words, { class: "primary", type: "submit" });
  const element = h("form", { class: "stack-form", novalidate: true }, fields.map((one) => one.element), said, submit);
  const run = async (): Promise<void> => {
    submit.disabled = true;
    fill(said);
    fields.forEach((one) => one.tell(""));
    try {
      const done = await send();
      if (done !== undefined) fill(said, note("", "check", done));
    } catch (error) {
      const own = error instanceof Problem ? error.fields.filter((wrong) => fields.some((one) => one.name === wrong.field)) : [];
      for (const wrong of own) fields.find((one) => one.name === wrong.field)?.tell(wrong.message);
      if (own.length === 0) fill(said, saidBy(error));
    } finally {
      submit.disabled = false;
    }
  };
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!submit.disabled) void run();
  });
  return element;
}

/** What went wrong, in the server's words where it has some for a person. */
export function saidBy(error: unknown): HTMLElement {
  const problem = error instanceof Problem ? error : null;
  const words = problem !== null && problem.status >= 400 && problem.status < 500 && problem.detail !== "" ? problem.detail : problem?.words;
  return note("bad", "warning", words ?? t.problems.server);
}
