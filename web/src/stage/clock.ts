// Elapsed and remaining time: quiet numbers that never turn red, and can be put away.

import { h, setText } from "../dom";
import { button } from "../frame";
import { icon } from "../icons";
import { preference, setPreference } from "../storage";
import { clockTime, t } from "../text";

const TICK_MS = 500;

export class StageClock {
  readonly element: HTMLElement;
  private readonly elapsed = h("span", { class: "elapsed", testid: "elapsed" }, "0:00");
  private readonly remaining = h("span", { class: "soft", testid: "remaining" });
  private readonly timer: number;
  private baseMs = 0;
  private remainingMs: number | null = null;
  private since = performance.now();
  private running = false;

  constructor() {
    const figures = h(
      "span",
      { class: "figures" },
      h("span", { class: "visually-hidden" }, t.stage.elapsed),
      this.elapsed,
      this.remaining,
    );
    const toggle = button(t.stage.hideTime, { class: "quiet slim" });
    const words = toggle.querySelector("span") ?? toggle;
    const apply = (hidden: boolean): void => {
      figures.hidden = hidden;
      setText(words, hidden ? t.stage.showTime : t.stage.hideTime);
    };
    toggle.addEventListener("click", () => {
      const hidden = !figures.hidden;
      setPreference("hide-time", hidden ? "yes" : "no");
      apply(hidden);
    });
    apply(preference("hide-time") === "yes");
    this.element = h("div", { class: "stage-clock", role: "group", "aria-label": t.stage.elapsed }, icon("clock"), figures, toggle);
    this.timer = window.setInterval(() => this.draw(), TICK_MS);
  }

  /** What the server says; between its words the page counts on by itself. */
  set(elapsedMs: number, remainingMs: number | null, running: boolean): void {
    this.baseMs = elapsedMs;
    this.remainingMs = remainingMs;
    this.since = performance.now();
    this.running = running;
    this.draw();
  }

  /** Stops counting until the server speaks again. */
  hold(): void {
    this.set(this.elapsedMs(), this.remainingMs === null ? null : this.remainingMs - this.passedMs(), false);
  }

  elapsedMs(): number {
    return this.baseMs + this.passedMs();
  }

  close(): void {
    window.clearInterval(this.timer);
  }

  private passedMs(): number {
    return this.running ? performance.now() - this.since : 0;
  }

  private draw(): void {
    setText(this.elapsed, clockTime(this.elapsedMs()));
    if (this.remainingMs === null) setText(this.remaining, "");
    else {
      const leftMs = Math.max(0, this.remainingMs - this.passedMs());
      setText(this.remaining, t.stage.remainingWords(leftMs < 60_000 ? 0 : Math.round(leftMs / 60_000)));
    }
  }
}
