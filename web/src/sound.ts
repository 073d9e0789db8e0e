// The microphone and the measuring of sound in the page. Sound is measured here, never stored or sent.

export type MicrophoneFailure = "insecure" | "refused" | "absent" | "busy" | "unknown";

export class MicrophoneError extends Error {
  constructor(readonly failure: MicrophoneFailure) {
    super(failure);
    this.name = "MicrophoneError";
  }
}

/** Opens the microphone. A device that has gone falls back to the default one. */
export async function openMicrophone(deviceId: string | null): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError("insecure");
  const cleaning = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: deviceId === null ? cleaning : { ...cleaning, deviceId: { ideal: deviceId } },
    });
  } catch (error) {
    throw new MicrophoneError(failureOf(error));
  }
}

function failureOf(error: unknown): MicrophoneFailure {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "absent";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "unknown";
}

export function stopStream(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export async function listDevices(kind: "audioinput" | "audiooutput"): Promise<MediaDeviceInfo[]> {
  try {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((device) => device.kind === kind && device.deviceId !== "");
  } catch {
    return [];
  }
}

/** Whether this browser can send sound to a chosen output. */
export function canChooseOutput(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}

export function useOutput(element: HTMLMediaElement, deviceId: string): void {
  if (canChooseOutput()) void element.setSinkId(deviceId).catch(() => undefined);
}

/** How often the level is looked at: fast enough to look alive, slow enough to cost nothing. */
const METER_INTERVAL_MS = 50;
const SILENCE_FLOOR_DB = -58;
const LOUD_DB = -12;

/** Reports the loudness of a stream as root mean square and as a 0..1 level for the eye. */
export class LevelMeter {
  private readonly context: AudioContext;
  private readonly timer: number;

  constructor(stream: MediaStream, report: (level: number, rms: number, intervalMs: number) => void) {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = window.setInterval(() => {
      if (this.context.state === "suspended") void this.context.resume().catch(() => undefined);
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const rms = Math.sqrt(sum / samples.length);
      report(levelOf(rms), rms, METER_INTERVAL_MS);
    }, METER_INTERVAL_MS);
  }

  close(): void {
    window.clearInterval(this.timer);
    void this.context.close().catch(() => undefined);
  }
}

function levelOf(rms: number): number {
  const db = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (db - SILENCE_FLOOR_DB) / (LOUD_DB - SILENCE_FLOOR_DB)));
}

/** This much sound above the room's own noise counts as "speech was heard". */
const HEARD_AFTER_MS = 450;
/** Below this nothing is speech, however quiet the room. */
const SPEECH_MIN_RMS = 0.008;
const SPEECH_OVER_NOISE = 3;

/** Decides from loudness alone whether somebody has spoken. */
export class SpeechSpotter {
  private noise = 0.02;
  private voicedMs = 0;

  /** True once enough was heard. */
  feed(rms: number, intervalMs: number): boolean {
    this.noise = rms < this.noise ? rms : this.noise + (rms - this.noise) * 0.004;
    if (rms > Math.max(SPEECH_MIN_RMS, this.noise * SPEECH_OVER_NOISE)) this.voicedMs += intervalMs;
    return this.heard;
  }

  get heard(): boolean {
    return this.voicedMs >= HEARD_AFTER_MS;
  }
}
