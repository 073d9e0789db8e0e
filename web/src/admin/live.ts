// Following an interview live: the server's event log as server-sent events, taken up again after a loss where it was.

import { EventSource } from "eventsource";
import { accessToken } from "../account/session";
import { isRecord } from "../wire";
import type { Fields } from "./read";

export interface Follower {
  event(kind: string, payload: Fields): void;
  /** The connection is there, or is being looked for. */
  connected(is: boolean): void;
  /** Nothing more will come. */
  over(): void;
}

/** Kinds of the log that the page shows; others are passed over. */
const KINDS = [
  "began",
  "utterance_transcribed",
  "answer_committed",
  "question_opened",
  "question_closed",
  "speech_ended",
  "replied",
  "wish_heard",
  "code_changed",
  "paused",
  "resumed",
  "media_interrupted",
  "media_connected",
  "part_failed",
  "ended",
] as const;

export function follow(id: string, follower: Follower, signal: AbortSignal): void {
  const source = new EventSource(`${window.location.origin}/api/v1/interviews/${id}/events`, {
    // The library sends `Last-Event-ID` by itself; the token is asked for anew each time, for it ends sooner than a talk.
    fetch: async (address, init) => {
      const token = await accessToken();
      return fetch(address, { ...init, headers: { ...init.headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) } });
    },
  });
  source.addEventListener("open", () => follower.connected(true));
  source.addEventListener("error", () => {
    // 204: there is no more to come, and the library has closed.
    if (source.readyState === source.CLOSED) follower.over();
    else follower.connected(false);
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => {
      const read = parse(message.data);
      follower.event(kind, read);
      if (kind === "ended") {
        source.close();
        follower.over();
      }
    });
  }
  signal.addEventListener("abort", () => source.close());
}

function parse(data: unknown): Fields {
  try {
    const event: unknown = JSON.parse(String(data));
    return isRecord(event) && isRecord(event["payload"]) ? event["payload"] : {};
  } catch {
    return {};
  }
}
