// What stands for a person at the microphone: spoken sentences in a file that Chromium plays as its microphone, over and
// over, and the switch on the cable. The switch is the track's own; what the page does with the sound stays untouched.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const RATE_HZ = 48_000;
/** Between two times of saying it: longer than any pause within, so that the gap is known when it comes. */
const GAP_S = 7;
const WORDS_PER_MINUTE = 150;
const HEADER_BYTES = 44;

/** Writes a WAV file (48 kHz, 16 bit, mono) with these words, spoken, and a long silence behind them. */
export async function spokenFile(words, file) {
  const folder = await mkdtemp(path.join(tmpdir(), "vivavoce-voice-"));
  try {
    const raw = path.join(folder, "voice.wav");
    await promisify(execFile)("espeak-ng", ["-v", "en-us", "-s", String(WORDS_PER_MINUTE), "-w", raw, words]);
    const voice = resample(readWav(await readFile(raw)), RATE_HZ);
    const samples = new Int16Array(voice.length + GAP_S * RATE_HZ);
    samples.set(voice);
    await writeFile(file, wav(samples));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readWav(bytes) {
  let at = 12;
  let rate = 0;
  while (at + 8 <= bytes.length) {
    const name = bytes.toString("latin1", at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (name === "fmt ") rate = bytes.readUInt32LE(at + 12);
    if (name === "data") {
      // Written to a pipe, the length may be unknown; the data then goes to the end.
      const end = Math.min(bytes.length, at + 8 + size);
      const samples = new Int16Array((end - at - 8) >> 1);
      for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(at + 8 + 2 * index);
      return { rate, samples };
    }
    at += 8 + size + (size & 1);
  }
  throw new Error("no sound in the spoken file");
}

function resample({ rate, samples }, wanted) {
  const step = rate / wanted;
  const out = new Int16Array(Math.floor((samples.length - 1) / step));
  for (let index = 0; index < out.length; index += 1) {
    const place = index * step;
    const before = Math.floor(place);
    const share = place - before;
    out[index] = Math.round(samples[before] * (1 - share) + samples[before + 1] * share);
  }
  return out;
}

function wav(samples) {
  const bytes = Buffer.alloc(HEADER_BYTES + samples.length * 2);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE_HZ, 24);
  bytes.writeUInt32LE(RATE_HZ * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples.length * 2, 40);
  for (let index = 0; index < samples.length; index += 1) bytes.writeInt16LE(samples[index], HEADER_BYTES + 2 * index);
  return bytes;
}

/** Runs in the page before its own scripts: keeps the microphone's track at hand, and listens to a copy of it. */
export function cable() {
  // The blank page before the first one has none.
  if (!navigator.mediaDevices) return;
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let track = null;
  let levels = null;
  let off = false;
  const rms = () => {
    const samples = new Float32Array(2048);
    levels.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
  };
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  /** Until it has been as asked (loud or not) for so long without a break. */
  const hold = async (loud, ms) => {
    let since = performance.now();
    while (performance.now() - since < ms) {
      await sleep(20);
      if (rms() > 0.004 !== loud) since = performance.now();
    }
  };
  navigator.mediaDevices.getUserMedia = async (wishes) => {
    const stream = await open(wishes);
    track = stream.getAudioTracks()[0];
    const context = new AudioContext();
    levels = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream([track.clone()])).connect(levels);
    track.enabled = !off;
    return stream;
  };
  window.microphoneCable = {
    switchOff() {
      off = true;
      track.enabled = false;
    },
    /** Lets the words of the file through once, from their start to their end. */
    async say() {
      await hold(false, 1_500);
      track.enabled = true;
      await hold(true, 60);
      await hold(false, 700);
      track.enabled = false;
    },
  };
}
