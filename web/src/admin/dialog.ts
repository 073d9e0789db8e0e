// A form in a dialog: fields of several lines, choices, and what is wrong in the server's words.

import { fill, freshId, h, type Child } from "../dom";
import { button, note, select } from "../frame";
import { t } from "../text";
import { saidBy } from "../views/form";

export interface Control {
  element: HTMLElement;
  value(): string;
}

export function area(label: string, value: string, rows: number, hint = ""): Control {
  const id = freshId("area");
  const input = h("textarea", { id, class: "input", rows });
  input.value = value;
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), input, hint === "" ? null : h("span", { class: "hint" }, hint)), value: () => input.value.trim() };
}

export function line(label: string, value: string, disabled = false): Control {
  const id = freshId("line");
  const input = h("input", { id, class: "input", autocomplete: "off", disabled });
  input.value = value;
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), input), value: () => input.value.trim() };
}

export function choice(label: string, value: string, options: { value: string; label: string }[]): Control {
  const id = freshId("choice");
  const { box, field } = select(id, options);
  field.value = value;
  return { element: h("div", { class: "field" }, h("label", { for: id }, label), box), value: () => field.value };
}

export function check(label: string, value: boolean): { element: HTMLElement; is(): boolean } {
  const input = h("input", { type: "checkbox", checked: value });
  return { element: h("label", { class: "check" }, input, h("span", {}, label)), is: () => input.checked };
}

/** Opens a dialog; `send` saves, and the dialog closes when it is done. Without it there is nothing to save. */
export function dialog(title: string, signal: AbortSignal, body: Child[], save: { words: string; send(): Promise<void> } | null, acts: HTMLElement[] = []): HTMLDialogElement {
  const named = freshId("dialog");
  const said = h("div", { "aria-live": "polite" });
  const close = button(t.admin.bank.close, { class: "quiet" });
  const submit = save === null ? null : button(save.words, { class: "primary", type: "submit", testid: "save" });
  const form = h("form", { class: "stack-form", novalidate: true }, body, said, h("div", { class: "row" }, submit, acts, close));
  const element = h("dialog", { class: "wide", "aria-labelledby": named, testid: "dialog" }, h("div", { class: "stack" }, h("h2", { id: named }, title), form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (save === null || submit === null || submit.disabled) return;
    submit.disabled = true;
    fill(said);
    save
      .send()
      .then(() => element.close())
      .catch((error: unknown) => fill(said, error instanceof SyntaxError ? note("bad", "warning", t.admin.bank.restWrong) : saidBy(error)))
      .finally(() => {
        submit.disabled = false;
      });
  });
  close.addEventListener("click", () => element.close());
  element.addEventListener("close", () => element.remove());
  signal.addEventListener("abort", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}
