// Whose turn it is, at a glance: a calm disc with an icon, a word and a hint. The word alone says everything;
// movement only adds, and stops where the person asked for less of it.

import { fill, h, setText } from "../dom";
import { icon, type IconName } from "../icons";
import { t } from "../text";

export type Visible =
  | "connecting"
  | "speaking"
  | "listening"
  | "hearing"
  | "thinking"
  | "paused"
  | "closing"
  | "reconnecting"
  | "lost"
  | "elsewhere";

const ICONS: Record<Visible, IconName> = {
  connecting: "dots",
  speaking: "wave",
  listening: "microphone",
  hearing: "microphone",
  thinking: "dots",
  paused: "pause",
  closing: "check",
  reconnecting: "link",
  lost: "link",
  elsewhere: "link",
};

export class Indicator {
  readonly element: HTMLElement;
  private readonly disc = h("span", { class: "disc", "aria-hidden": "true" });
  private readonly word = h("strong", { testid: "state" });
  private readonly hint = h("p", { class: "soft" });
  private shown: Visible | null = null;
  private greeting = false;
  private level = 0;

  constructor(private readonly writing: boolean) {
    this.element = h(
      "div",
      { class: "indicator" },
      h("span", { class: "orb", "aria-hidden": "true" }, h("span", { class: "halo" }), this.disc),
      h("div", {}, this.word, this.hint),
    );
    this.show("connecting");
  }

  /** `greeting`: what is said now must be heard to its end. */
  show(state: Visible, greeting = false): void {
    if (state === this.shown && greeting === this.greeting) return;
    this.shown = state;
    this.greeting = greeting;
    this.element.dataset["state"] = state;
    this.word.dataset["state"] = state;
    setText(this.word, t.stage.phases[state]);
    const hint = this.writing && state === "listening" ? t.stage.writingHint : t.stage.phaseHints[state];
    setText(this.hint, greeting ? t.stage.greetingHint : hint);
    fill(this.disc, icon(this.writing && (state === "listening" || state === "hearing") ? "keyboard" : ICONS[state]));
  }

  /** The loudness of whoever is talking, 0 to 1. */
  setLevel(level: number): void {
    this.level = Math.max(level, this.level * 0.85);
    this.element.style.setProperty("--level", this.level.toFixed(2));
  }
}
