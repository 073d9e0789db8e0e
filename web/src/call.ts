// One WebRTC connection to one interview, kept alive: offer, data channel, and joining again by itself.
// It carries messages and says how the line is; it must never decide what the interview does.

import { deleteResource, fetchInterview, postOffer, Problem } from "./api";
import { envelope, parseServerMessage, PROTOCOL_VERSION, type Command, type ServerMessage } from "./wire";

/** Host candidates are there in milliseconds; a network that hangs must not hold the offer. */
const GATHERING_MAX_MS = 1_000;
/** From answer to open channel. Longer means that no packet comes through. */
const OPENING_MAX_MS = 12_000;
/** ICE often heals a short break by itself. */
const DISCONNECTED_GRACE_MS = 2_500;
/** The server keeps the interview's place for this long. */
const RECONNECT_MAX_MS = 60_000;
/** When it was the server that went away it keeps the place for much longer. */
const SERVER_BACK_MAX_MS = 10 * 60_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 8_000;
const RESPONSE_TIMEOUT_MS = 10_000;
const PLAYOUT_INTERVAL_MS = 1_000;

export type Line =
  /** With the server's words while it says why not yet. */
  | { kind: "connecting"; words: string | null }
  | { kind: "open" }
  | { kind: "reconnecting" }
  /** `began`: this page was in the interview before. */
  | { kind: "lost"; words: string | null; began: boolean }
  | { kind: "elsewhere" }
  | { kind: "over" }
  | { kind: "consent-missing" }
  | { kind: "closed" };

export interface CallEvents {
  line(line: Line): void;
  message(message: ServerMessage): void;
  sound(stream: MediaStream): void;
}

interface Peer {
  connection: RTCPeerConnection;
  channel: RTCDataChannel;
  sender: RTCRtpSender;
  timers: number[];
}

interface Waiting {
  settle(reached: boolean): void;
  timer: number;
}

export class Call {
  private peer: Peer | null = null;
  /** Counts attempts; what an older one still reports is dropped. */
  private generation = 0;
  private line: Line = { kind: "connecting", words: null };
  private resource: string | null = null;
  private wasOpen = false;
  private abort = new AbortController();
  private wake: (() => void) | null = null;
  private nextId = 1;
  private readonly waiting = new Map<string, Waiting>();

  constructor(
    private readonly interview: string,
    private readonly token: string | null,
    private microphone: MediaStreamTrack | null,
    private readonly events: CallEvents,
  ) {
    window.addEventListener("online", () => this.wake?.(), { signal: this.abort.signal });
  }

  /** Joins, or joins again after "lost" or "elsewhere". */
  join(): void {
    if (this.line.kind === "closed") return;
    void this.keepTrying(this.wasOpen ? "reconnecting" : "connecting");
  }

  /** Hangs up for good. */
  close(): void {
    if (this.line.kind === "closed") return;
    this.abort.abort();
    this.dropPeer();
    if (this.resource !== null) deleteResource(this.resource, this.token);
    this.resource = null;
    this.line = { kind: "closed" };
    this.wake?.();
  }

  /** The server has closed the call by itself: there is nothing left to hang up. */
  hungUp(): void {
    this.resource = null;
  }

  /** The interview runs elsewhere: let the connection go, but let a later join() work. */
  letGo(): void {
    this.generation += 1;
    this.dropPeer();
    this.resource = null;
    this.setLine({ kind: "elsewhere" });
  }

  /** The server has stopped in mid-interview: come back as soon as it does. */
  serverStopped(): void {
    this.resource = null;
    void this.keepTrying("reconnecting", SERVER_BACK_MAX_MS);
  }

  async useMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.microphone = track;
    await this.peer?.sender.replaceTrack(track).catch(() => undefined);
  }

  /** Sends without asking for an answer. False if the line is not open. */
  send(command: Command): boolean {
    return this.post("client-message", command);
  }

  /** Sends and waits: true once the server has answered that it was done. */
  request(command: Command): Promise<boolean> {
    const id = `page-${this.nextId}`;
    this.nextId += 1;
    if (!this.post("client-message", command, id)) return Promise.resolve(false);
    return new Promise((settle) => {
      const timer = window.setTimeout(() => this.settle(id, false), RESPONSE_TIMEOUT_MS);
      this.waiting.set(id, { settle, timer });
    });
  }

  sendText(content: string): boolean {
    return this.post("send-text", { content });
  }

  private post(type: string, data: unknown, id?: string): boolean {
    const channel = this.peer?.channel;
    if (channel?.readyState !== "open") return false;
    try {
      channel.send(envelope(type, data, id));
      return true;
    } catch {
      return false;
    }
  }

  private settle(id: string, reached: boolean): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    window.clearTimeout(waiting.timer);
    waiting.settle(reached);
  }

  private setLine(line: Line): void {
    if (this.line.kind === "closed") return;
    this.line = line;
    this.events.line(line);
  }

  private async keepTrying(as: "connecting" | "reconnecting", maxMs = RECONNECT_MAX_MS): Promise<void> {
    const mine = ++this.generation;
    this.dropPeer();
    this.setLine(as === "connecting" ? { kind: as, words: null } : { kind: as });
    const deadline = performance.now() + maxMs;
    let backoff = BACKOFF_FIRST_MS;
    let words: string | null = null;
    while (mine === this.generation && !this.abort.signal.aborted) {
      try {
        await this.attempt(mine);
        return;
      } catch (error) {
        if (mine !== this.generation || this.abort.signal.aborted) return;
        this.dropPeer();
        const verdict = await this.judge(error);
        if (mine !== this.generation) return;
        if (verdict !== "again") return this.setLine(verdict);
        words = error instanceof Problem && error.status > 0 ? error.words : null;
        // Said at once, and once.
        if (this.line.kind === "connecting" && words !== null && words !== this.line.words) this.setLine({ kind: "connecting", words });
      }
      if (performance.now() + backoff > deadline) break;
      await this.pause(backoff);
      backoff = Math.min(backoff * 2, BACKOFF_MAX_MS);
    }
    if (mine === this.generation) this.setLine(this.lost(words));
  }

  private lost(words: string | null): Line {
    return { kind: "lost", words, began: this.wasOpen };
  }

  /** What a failed attempt means: try again, or say why not. */
  private async judge(error: unknown): Promise<Line | "again"> {
    if (!(error instanceof Problem)) return "again";
    switch (error.status) {
      case 401:
      case 404:
      case 415:
      case 422:
        return this.lost(error.words);
      case 403:
        return (await this.lookedUp()) === "no-consent" ? { kind: "consent-missing" } : this.lost(error.words);
      case 409:
      case 410: {
        const found = await this.lookedUp();
        if (found === "over") return { kind: "over" };
        // The server may still hold this page's own broken connection for a moment.
        return this.wasOpen && this.line.kind === "reconnecting" ? "again" : { kind: "elsewhere" };
      }
      default:
        return "again";
    }
  }

  private async lookedUp(): Promise<"over" | "no-consent" | "running"> {
    try {
      const interview = await fetchInterview(this.interview, this.token, this.abort.signal);
      if (isOver(interview.status)) return "over";
      return interview.consented ? "running" : "no-consent";
    } catch {
      return "running";
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        window.clearTimeout(timer);
        if (this.wake === finish) this.wake = null;
        resolve();
      };
      const timer = window.setTimeout(finish, ms);
      this.wake = finish;
    });
  }

  /** One offer, one answer, one open channel; or an error. */
  private async attempt(mine: number): Promise<void> {
    const connection = new RTCPeerConnection();
    const channel = connection.createDataChannel("rtvi", { ordered: true });
    const audio = connection.addTransceiver(this.microphone ?? "audio", {
      direction: this.microphone === null ? "recvonly" : "sendrecv",
    });
    const peer: Peer = { connection, channel, sender: audio.sender, timers: [] };
    this.peer = peer;
    this.listen(peer, mine);
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection);
    const offer = connection.localDescription?.sdp ?? "";
    const answer = await postOffer(this.interview, this.token, offer, this.abort.signal);
    if (mine !== this.generation) {
      connection.close();
      return;
    }
    this.resource = answer.resource;
    await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    await opened(channel);
    if (mine !== this.generation) return;
    this.wasOpen = true;
    this.post("client-ready", { version: PROTOCOL_VERSION, about: { library: "vivavoce-web", library_version: "0.1.0" } });
    this.setLine({ kind: "open" });
    peer.timers.push(this.reportPlayout(connection));
  }

  private listen(peer: Peer, mine: number): void {
    const { connection, channel } = peer;
    const current = (): boolean => mine === this.generation && this.peer === peer;
    const broken = (): void => {
      if (current() && this.line.kind === "open") void this.keepTrying("reconnecting");
    };
    connection.ontrack = (event) => {
      if (current()) this.events.sound(event.streams[0] ?? new MediaStream([event.track]));
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed" || connection.connectionState === "closed") broken();
      if (connection.connectionState === "disconnected") {
        const stillBroken = (): void => {
          if (connection.connectionState !== "connected") broken();
        };
        peer.timers.push(window.setTimeout(stillBroken, DISCONNECTED_GRACE_MS));
      }
    };
    channel.onclose = broken;
    channel.onmessage = (event) => {
      const message = parseServerMessage(event.data);
      if (message === null || !current()) return;
      if (message.type === "server-response") this.settle(message.id, true);
      else if (message.type === "error-response") this.settle(message.id, false);
      this.events.message(message);
    };
  }

  /** Tells the server how much sound is still under way to the ear, so that it knows what was truly heard. */
  private reportPlayout(connection: RTCPeerConnection): number {
    let delayS = 0;
    let emitted = 0;
    return window.setInterval(() => {
      void connection.getStats().then((report) => {
        report.forEach((entry: RTCInboundRtpStreamStats) => {
          if (entry.type !== "inbound-rtp" || entry.kind !== "audio") return;
          const samples = (entry.jitterBufferEmittedCount ?? 0) - emitted;
          const waitedS = (entry.jitterBufferDelay ?? 0) - delayS;
          emitted += samples;
          delayS += waitedS;
          if (samples > 0) this.send({ t: "playout", d: { buffered_ms: Math.round((waitedS / samples) * 1000) } });
        });
      }, () => undefined);
    }, PLAYOUT_INTERVAL_MS);
  }

  private dropPeer(): void {
    const peer = this.peer;
    this.peer = null;
    for (const id of [...this.waiting.keys()]) this.settle(id, false);
    if (peer === null) return;
    for (const timer of peer.timers) window.clearTimeout(timer);
    peer.channel.onclose = null;
    peer.channel.onmessage = null;
    peer.connection.onconnectionstatechange = null;
    peer.connection.ontrack = null;
    peer.connection.close();
  }
}

/** The statuses after which nothing more is said. */
export function isOver(status: string): boolean {
  return status === "completed" || status === "abandoned" || status === "failed" || status === "cancelled";
}

function gathered(connection: RTCPeerConnection): Promise<void> {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, GATHERING_MAX_MS);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState !== "complete") return;
      window.clearTimeout(timer);
      resolve();
    });
  });
}

function opened(channel: RTCDataChannel): Promise<void> {
  if (channel.readyState === "open") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(() => reject(new Error("the channel did not open")), OPENING_MAX_MS);
    const finish = (): void => {
      window.clearTimeout(timer);
      if (channel.readyState === "open") resolve();
      else reject(new Error("the channel closed"));
    };
    channel.addEventListener("open", finish, { once: true });
    channel.addEventListener("close", finish, { once: true });
  });
}
