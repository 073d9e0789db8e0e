// The sound check: permission, device, level, "can you hear me", and the way on without a microphone.

import { SOUND_CHECK_ADDRESS } from "../api";
import { append, fill, freshId, h, setText } from "../dom";
import { button, note, select, show, steps } from "../frame";
import { icon } from "../icons";
import type { Visit } from "../main";
import {
  canChooseOutput,
  LevelMeter,
  listDevices,
  MicrophoneError,
  openMicrophone,
  SpeechSpotter,
  stopStream,
  useOutput,
  type MicrophoneFailure,
} from "../sound";
import { preference, setPreference } from "../storage";
import { t } from "../text";

/** After this much silence the page asks whether the right microphone is chosen. */
const QUIET_AFTER_MS = 10_000;

export interface SoundSetup {
  /** Null: the candidate writes. */
  stream: MediaStream | null;
  outputId: string | null;
}

export function microphoneStep(visit: Visit, rejoining: boolean): Promise<SoundSetup> {
  return new Promise((resolve) => {
    const slot = h("div", {});
    const check = new SoundCheck(slot, rejoining, resolve);
    visit.signal.addEventListener("abort", () => check.leave());
    show(
      visit.main,
      t.microphone.title,
      h(
        "div",
        { class: "narrow stack" },
        steps("microphone"),
        h("h1", {}, rejoining ? t.microphone.rejoin : t.microphone.title),
        h("p", { class: "lead" }, rejoining ? t.microphone.rejoinLead : t.microphone.lead),
        slot,
      ),
    );
    void check.begin();
  });
}

class SoundCheck {
  private stream: MediaStream | null = null;
  private meter: LevelMeter | null = null;
  private outputId: string | null = preference("output");
  private readonly greeting = new Audio(SOUND_CHECK_ADDRESS);
  private done = false;

  constructor(
    private readonly slot: HTMLElement,
    private readonly rejoining: boolean,
    private readonly resolve: (setup: SoundSetup) => void,
  ) {
    this.greeting.preload = "none";
  }

  /** Opens the microphone at once where the browser has permission already. */
  async begin(): Promise<void> {
    let granted = false;
    try {
      const status = await navigator.permissions.query({ name: "microphone" as PermissionName });
      granted = status.state === "granted";
    } catch {
      // Not every browser answers this question; then the person is asked.
    }
    if (this.done) return;
    if (granted) await this.open(preference("input"));
    else this.showAsk(null);
  }

  leave(): void {
    if (this.done) return;
    this.done = true;
    this.quiet();
    stopStream(this.stream);
  }

  private quiet(): void {
    this.meter?.close();
    this.meter = null;
    this.greeting.pause();
  }

  private finish(stream: MediaStream | null): void {
    if (this.done) return;
    this.done = true;
    this.quiet();
    if (stream === null) stopStream(this.stream);
    this.resolve({ stream, outputId: this.outputId });
  }

  private textOnly(): HTMLButtonElement {
    const only = button(t.microphone.textOnly, { icon: "keyboard", testid: "text-only" });
    only.addEventListener("click", () => this.finish(null));
    return only;
  }

  private showAsk(failure: MicrophoneFailure | null): void {
    const allow = button(failure === null ? t.microphone.allow : t.tryAgain, {
      class: "primary",
      icon: failure === null ? "microphone" : "repeat",
      testid: "mic-allow",
    });
    allow.addEventListener("click", () => {
      allow.disabled = true;
      setText(allow.querySelector("span") ?? allow, t.microphone.asking);
      void this.open(preference("input"));
    });
    const words = failure === null ? null : t.microphone.failures[failure];
    fill(
      this.slot,
      h(
        "div",
        { class: "card stack" },
        words === null
          ? h("p", {}, t.microphone.ask)
          : h("div", { testid: "mic-problem" }, note("bad", "microphone-off", words.title, h("p", {}, words.text))),
        h("div", { class: "row" }, failure === "insecure" ? null : allow, this.textOnly()),
        h("p", { class: "soft small" }, t.microphone.textOnlyHint),
      ),
    );
    if (failure !== null) (failure === "insecure" ? this.slot.querySelector("button") : allow)?.focus();
  }

  private async open(deviceId: string | null): Promise<void> {
    this.meter?.close();
    this.meter = null;
    stopStream(this.stream);
    try {
      this.stream = await openMicrophone(deviceId);
    } catch (error) {
      this.stream = null;
      if (!this.done) this.showAsk(error instanceof MicrophoneError ? error.failure : "unknown");
      return;
    }
    if (this.done) return stopStream(this.stream);
    await this.showCheck(this.stream);
  }

  private async showCheck(stream: MediaStream): Promise<void> {
    const [inputs, outputs] = await Promise.all([listDevices("audioinput"), listDevices("audiooutput")]);
    if (this.done) return;
    const next = button(this.rejoining ? t.microphone.join : t.microphone.continue, {
      class: "primary large",
      icon: "arrow",
      testid: "mic-continue",
    });
    next.addEventListener("click", () => this.finish(stream));
    fill(
      this.slot,
      h(
        "div",
        { class: "stack" },
        h(
          "div",
          { class: "card stack" },
          this.deviceFields(stream, inputs, outputs),
          h("ul", { class: "checks" }, this.hearCheck(), this.speakCheck(stream)),
        ),
        h("div", { class: "row" }, next, this.textOnly()),
      ),
    );
    next.focus({ preventScroll: true });
  }

  private deviceFields(stream: MediaStream, inputs: MediaDeviceInfo[], outputs: MediaDeviceInfo[]): HTMLElement {
    const inputId = freshId("input");
    const input = select(inputId, inputs.map((device, index) => ({
      value: device.deviceId,
      label: device.label || t.microphone.unnamedInput(index + 1),
    })));
    const current = stream.getAudioTracks()[0]?.getSettings().deviceId;
    if (current !== undefined) input.field.value = current;
    input.field.addEventListener("change", () => {
      setPreference("input", input.field.value);
      void this.open(input.field.value);
    });
    const fields = h("div", { class: "form-grid" }, h("div", { class: "field" }, h("label", { for: inputId }, t.microphone.input), input.box));
    if (canChooseOutput() && outputs.length > 1) {
      const outputId = freshId("output");
      const output = select(outputId, outputs.map((device, index) => ({
        value: device.deviceId,
        label: device.label || t.microphone.unnamedOutput(index + 1),
      })));
      if (this.outputId !== null && outputs.some((device) => device.deviceId === this.outputId)) {
        output.field.value = this.outputId;
        useOutput(this.greeting, this.outputId);
      } else {
        this.outputId = null;
      }
      output.field.addEventListener("change", () => {
        this.outputId = output.field.value;
        setPreference("output", output.field.value);
        useOutput(this.greeting, output.field.value);
      });
      append(fields, [h("div", { class: "field" }, h("label", { for: outputId }, t.microphone.output), output.box)]);
    }
    return fields;
  }

  private hearCheck(): HTMLElement {
    const words = h("p", { class: "soft", "aria-live": "polite" });
    const play = button(t.microphone.hear, { icon: "speaker", class: "slim", testid: "sound-check" });
    const badge = h("span", { class: "badge" }, icon("speaker"));
    const item = h("li", {}, badge, h("div", {}, h("h2", {}, t.microphone.hearTitle), words), play);
    const label = play.querySelector("span") ?? play;
    play.addEventListener("click", () => {
      play.disabled = true;
      setText(label, t.microphone.hearing);
      setText(words, "");
      this.greeting.currentTime = 0;
      this.greeting.play().catch(() => failed());
    });
    const failed = (): void => {
      play.disabled = false;
      setText(label, t.microphone.hearAgain);
      setText(words, t.microphone.hearFailed);
    };
    this.greeting.onerror = failed;
    this.greeting.onended = () => {
      play.disabled = false;
      item.classList.add("good");
      fill(badge, icon("check"));
      setText(label, t.microphone.hearAgain);
      setText(words, t.microphone.hearDone);
    };
    return item;
  }

  private speakCheck(stream: MediaStream): HTMLElement {
    const words = h("p", { class: "soft", "aria-live": "polite", testid: "mic-heard" }, t.microphone.speak);
    const meter = h("meter", { class: "visually-hidden", min: 0, max: 1, "aria-label": t.microphone.meter });
    const cells = Array.from({ length: 16 }, () => h("span", {}));
    const badge = h("span", { class: "badge" }, icon("microphone"));
    const item = h(
      "li",
      {},
      badge,
      h("div", {}, h("h2", {}, t.microphone.speakTitle), words),
      h("div", { class: "level", testid: "mic-level", "aria-hidden": "true" }, cells),
      meter,
    );
    const spotter = new SpeechSpotter();
    let shown = 0;
    let quietMs = 0;
    this.meter = new LevelMeter(stream, (level, rms, intervalMs) => {
      shown = Math.max(level, shown * 0.82);
      meter.value = shown;
      cells.forEach((cell, index) => cell.classList.toggle("on", shown * cells.length > index + 0.5));
      // While the greeting plays, what comes in may be its echo.
      if (!this.greeting.paused || item.classList.contains("good")) return;
      quietMs += intervalMs;
      if (spotter.feed(rms, intervalMs)) {
        item.classList.add("good");
        fill(badge, icon("check"));
        setText(words, t.microphone.speakDone);
      } else if (quietMs > QUIET_AFTER_MS) {
        setText(words, `${t.microphone.speakQuiet} ${t.microphone.continueUnheard}`);
      }
    });
    return item;
  }
}
