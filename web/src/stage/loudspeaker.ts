// The interviewer's voice at the candidate's end: plays the stream, and asks for a click where the browser wants one.

import { h } from "../dom";
import { button, note } from "../frame";
import { LevelMeter, useOutput } from "../sound";
import { t } from "../text";

interface Hooks {
  level(level: number): void;
  /** Shows words with a button, or takes them away. */
  ask(words: HTMLElement | null): void;
}

export class Loudspeaker {
  readonly element = h("audio", { autoplay: true });
  private meter: LevelMeter | null = null;
  private refused = false;

  constructor(
    outputId: string | null,
    private readonly hooks: Hooks,
  ) {
    if (outputId !== null) useOutput(this.element, outputId);
  }

  play(stream: MediaStream): void {
    this.element.srcObject = stream;
    this.meter?.close();
    this.meter = new LevelMeter(stream, (level) => this.hooks.level(level));
    this.element.play().then(
      () => {
        this.refused = false;
      },
      (error: unknown) => {
        // A new stream cut off the start of the old one: that is no refusal.
        if (error instanceof DOMException && error.name === "AbortError") return;
        this.refused = true;
        this.remind();
      },
    );
  }

  /** Asks (again) where nothing is played: the stream comes before the line is open, which has words of its own. */
  remind(): void {
    if (!this.refused) return;
    const on = button(t.stage.soundOn, { class: "slim", icon: "speaker", testid: "sound-on" });
    on.addEventListener("click", () => {
      void this.element.play().then(() => {
        this.refused = false;
        this.hooks.ask(null);
      });
    });
    this.hooks.ask(note("warn", "speaker", t.stage.soundBlocked, h("div", { class: "row" }, on)));
  }

  close(): void {
    this.meter?.close();
    this.element.srcObject = null;
  }
}
