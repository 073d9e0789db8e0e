// Looks after the microphone during the talk: its level, its silence, and its loss.

import { LevelMeter, openMicrophone, stopStream } from "../sound";
import { t } from "../text";
import { toast } from "../toasts";

/** Silence in the candidate's turn for this long is worth a word; thinking takes less. */
const SILENT_AFTER_MS = 20_000;
/** An open microphone in a quiet room is above this; a muted one is not. */
const SILENT_MAX_RMS = 0.0015;

interface Hooks {
  level(level: number): void;
  /** The microphone gives nothing at all while it is the candidate's turn. */
  silent(silent: boolean): void;
  replaced(track: MediaStreamTrack | null): void;
  /** Whether it is the candidate's turn. */
  listening(): boolean;
}

export class MicrophoneWatch {
  private meter: LevelMeter | null = null;
  private silentMs = 0;
  private closed = false;

  constructor(
    private stream: MediaStream,
    private readonly hooks: Hooks,
  ) {
    this.watch();
  }

  close(): void {
    this.closed = true;
    this.meter?.close();
    stopStream(this.stream);
  }

  private watch(): void {
    this.silentMs = 0;
    this.meter = new LevelMeter(this.stream, (level, rms, intervalMs) => {
      this.hooks.level(level);
      if (rms > SILENT_MAX_RMS) {
        this.silentMs = 0;
        this.hooks.silent(false);
      } else if (this.hooks.listening()) {
        this.silentMs += intervalMs;
        if (this.silentMs >= SILENT_AFTER_MS) this.hooks.silent(true);
      }
    });
    const track = this.stream.getAudioTracks()[0];
    track?.addEventListener("ended", () => void this.replace());
    track?.addEventListener("mute", () => {
      if (!this.closed) toast("warning", t.stage.microphoneMuted);
    });
  }

  private async replace(): Promise<void> {
    if (this.closed) return;
    this.meter?.close();
    toast("warning", t.stage.microphoneLost);
    try {
      const stream = await openMicrophone(null);
      if (this.closed) return stopStream(stream);
      this.stream = stream;
      this.watch();
      this.hooks.replaced(stream.getAudioTracks()[0] ?? null);
      toast("info", t.stage.microphoneBack);
    } catch {
      this.hooks.replaced(null);
      toast("error", t.stage.microphoneGone);
    }
  }
}
