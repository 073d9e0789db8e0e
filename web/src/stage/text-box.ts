// Writing instead of speaking: for a refused microphone, a noisy room, or a word that is hard to say.

import { freshId, h } from "../dom";
import { button } from "../frame";
import { t } from "../text";

/** Longer than any spoken answer. */
const TEXT_MAX_CHARS = 4_000;
const ROWS_MAX_PX = 160;

export class TextBox {
  readonly element: HTMLElement;
  private readonly field: HTMLTextAreaElement;
  private readonly sendButton = button(t.stage.send, { icon: "send", testid: "text-send", type: "submit" });

  constructor(
    only: boolean,
    hooks: {
      /** True if it went out; else the words stay in the field. */
      send(text: string): boolean;
      typing(): void;
    },
  ) {
    const id = freshId("text");
    this.field = h("textarea", {
      id,
      class: "input",
      rows: only ? 2 : 1,
      maxlength: TEXT_MAX_CHARS,
      placeholder: t.stage.textPlaceholder,
      testid: "text-input",
    });
    const form = h("form", { class: "text-box" }, h("label", { for: id, class: only ? "legend" : "visually-hidden" }, only ? t.stage.textLabelOnly : t.stage.textLabel), h("div", { class: "text-row" }, this.field, this.sendButton));
    const send = (): void => {
      const text = this.field.value.trim();
      if (text === "" || this.sendButton.disabled || !hooks.send(text)) return;
      this.field.value = "";
      this.fit();
      this.field.focus();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    this.field.addEventListener("input", () => {
      this.fit();
      hooks.typing();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
      } else if (event.key === "Escape") {
        this.field.blur();
      }
    });
    this.element = form;
  }

  focus(): void {
    this.field.focus();
  }

  /** Puts words back that did not arrive, before what is being written. */
  giveBack(text: string): void {
    this.field.value = [text, this.field.value].filter((part) => part.trim() !== "").join("\n");
    this.fit();
  }

  enable(enabled: boolean): void {
    this.sendButton.disabled = !enabled;
  }

  private fit(): void {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, ROWS_MAX_PX)}px`;
  }
}
