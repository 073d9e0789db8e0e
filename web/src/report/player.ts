// Plays moments of the recording. One player stands at the foot of the report; quotes send it to their place.

import { h } from "../dom";
import { playOn } from "../file-link";
import { icon } from "../icons";
import { t } from "../text";
import { toast } from "../toasts";

/** A little before and after, so that no syllable is cut. */
const LEAD_MS = 250;
const TAIL_MS = 350;

export class Player {
  readonly element: HTMLElement;
  private readonly audio: HTMLAudioElement;
  private stopAtS: number | null = null;
  private marked: HTMLElement | null = null;
  private mixer: AudioContext | null = null;

  constructor(
    private readonly address: () => Promise<string>,
    signal: AbortSignal,
  ) {
    this.audio = h("audio", { controls: true, preload: "none", "aria-label": t.report.player, testid: "player" });
    playOn(this.audio, address, () => undefined);
    const close = h("button", { type: "button", class: "button quiet slim", "aria-label": t.report.stop }, icon("cross"));
    this.element = h("div", { class: "player", role: "region", "aria-label": t.report.player, hidden: true }, this.audio, close);
    close.addEventListener("click", () => {
      this.audio.pause();
      this.element.hidden = true;
    });
    this.audio.addEventListener("timeupdate", () => {
      if (this.stopAtS !== null && this.audio.currentTime >= this.stopAtS) this.audio.pause();
    });
    this.audio.addEventListener("pause", () => {
      this.stopAtS = null;
      this.mark(null);
    });
    signal.addEventListener("abort", () => {
      this.audio.pause();
      this.audio.removeAttribute("src");
      void this.mixer?.close().catch(() => undefined);
    });
  }

  /** Plays from one moment to another, and marks the quote meanwhile. */
  async play(quote: HTMLElement, startMs: number, endMs: number | null): Promise<void> {
    if (this.marked === quote && !this.audio.paused) return this.audio.pause();
    this.element.hidden = false;
    this.mixToBothEars();
    this.stopAtS = null;
    try {
      await this.loaded();
      this.audio.currentTime = Math.max(0, startMs - LEAD_MS) / 1000;
      await this.audio.play();
      this.mark(quote);
      this.stopAtS = endMs === null ? null : (endMs + TAIL_MS) / 1000;
    } catch {
      this.element.hidden = true;
      toast("error", t.report.recordingFailed);
    }
  }

  private async loaded(): Promise<void> {
    const address = await this.address();
    if (this.audio.getAttribute("src") !== address) this.audio.src = address;
    else if (this.audio.readyState >= HTMLMediaElement.HAVE_METADATA) return;
    await new Promise<void>((resolve, reject) => {
      this.audio.addEventListener("loadedmetadata", () => resolve(), { once: true });
      this.audio.addEventListener("error", () => reject(new Error("no recording")), { once: true });
      this.audio.load();
    });
  }

  private mark(quote: HTMLElement | null): void {
    this.marked?.classList.remove("playing");
    this.marked?.setAttribute("aria-pressed", "false");
    this.marked = quote;
    quote?.classList.add("playing");
    quote?.setAttribute("aria-pressed", "true");
  }

  /** The recording holds the candidate left and the interviewer right; a listener wants both in both ears. */
  private mixToBothEars(): void {
    if (this.mixer !== null) return void this.mixer.resume().catch(() => undefined);
    try {
      const mixer = new AudioContext();
      const both = mixer.createGain();
      both.channelCount = 1;
      both.channelCountMode = "explicit";
      both.gain.value = 1.6;
      mixer.createMediaElementSource(this.audio).connect(both).connect(mixer.destination);
      this.mixer = mixer;
    } catch {
      // Left and right apart is still a recording that can be heard.
    }
  }
}
