// The data channel's words, parsed at the border. What is not understood becomes null and is passed over;
// nothing past this file may look into raw JSON of the channel.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const LABEL = "rtvi-ai";
export const PROTOCOL_VERSION = "2.1.0";

export const PHASES = [
  "connecting",
  "greeting",
  "asking",
  "listening",
  "thinking",
  "speaking",
  "paused",
  "closing",
  "ended",
] as const;
export type Phase = (typeof PHASES)[number];

export interface Question {
  id: string;
  number: number;
  of: number;
  text: string;
  kind: string;
  timeBoxS: number;
  codeLanguage: string | null;
  starter: string | null;
}

export interface InterviewState {
  phase: Phase;
  question: Question | null;
  elapsedMs: number;
  remainingMs: number | null;
  paused: boolean;
}

export type SpokenStatus = "new" | "in-progress" | "completed";

export type ServerMessage =
  | { type: "bot-ready" }
  | { type: "user-started-speaking" }
  | { type: "user-stopped-speaking" }
  | { type: "user-transcription"; text: string; final: boolean }
  | { type: "bot-started-speaking" }
  | { type: "bot-stopped-speaking" }
  | { type: "bot-output"; text: string; status: SpokenStatus }
  | { type: "bot-interrupted" }
  | { type: "state"; state: InterviewState }
  | { type: "notice"; level: "info" | "warning" | "error"; text: string }
  | { type: "ended"; reason: string }
  | { type: "server-response"; id: string }
  | { type: "error-response"; id: string; error: string }
  | { type: "error"; message: string; fatal: boolean };

export type Command =
  | { t: "done" | "repeat" | "rephrase" | "slower" | "moment" | "skip" | "pause" | "resume" | "end" | "typing" }
  | { t: "code"; d: { question_id: string; language: string; content: string; final: boolean } }
  | { t: "playout"; d: { buffered_ms: number } }
  | { t: "focus"; d: { visible: boolean } };

export function envelope(type: string, data?: unknown, id?: string): string {
  return JSON.stringify({ label: LABEL, type, ...(id === undefined ? {} : { id }), ...(data === undefined ? {} : { data }) });
}

export function parseServerMessage(raw: unknown): ServerMessage | null {
  if (typeof raw !== "string") return null;
  let message: unknown;
  try {
    message = JSON.parse(raw);
  } catch {
    return null;
  }
  if (!isRecord(message) || message["label"] !== LABEL) return null;
  const data = isRecord(message["data"]) ? message["data"] : {};
  const id = text(message["id"]);
  switch (message["type"]) {
    case "bot-ready":
    case "user-started-speaking":
    case "user-stopped-speaking":
    case "bot-started-speaking":
    case "bot-stopped-speaking":
    case "bot-interrupted":
      return { type: message["type"] };
    case "user-transcription":
      return { type: "user-transcription", text: text(data["text"]), final: data["final"] === true };
    case "bot-output":
      return { type: "bot-output", text: text(data["text"]), status: spokenStatus(data["spoken_status"]) };
    case "server-message":
      return parseOwnMessage(data);
    case "server-response":
      return { type: "server-response", id };
    case "error-response":
      return { type: "error-response", id, error: text(data["error"]) };
    case "error":
      return { type: "error", message: text(data["message"]) || text(data["error"]), fatal: data["fatal"] === true };
    default:
      return null;
  }
}

function parseOwnMessage(data: Record<string, unknown>): ServerMessage | null {
  switch (data["kind"]) {
    case "state": {
      const phase = PHASES.find((known) => known === data["phase"]);
      if (phase === undefined) return null;
      return {
        type: "state",
        state: {
          phase,
          question: parseQuestion(data["question"]),
          elapsedMs: number(data["elapsed_ms"]) ?? 0,
          remainingMs: number(data["remaining_ms"]),
          paused: data["paused"] === true || phase === "paused",
        },
      };
    }
    case "notice": {
      const level = data["level"];
      return { type: "notice", level: level === "warning" || level === "error" ? level : "info", text: text(data["text"]) };
    }
    case "ended":
      return { type: "ended", reason: text(data["reason"]) };
    default:
      return null;
  }
}

export function parseQuestion(value: unknown): Question | null {
  if (!isRecord(value)) return null;
  return {
    id: text(value["id"]),
    number: number(value["number"]) ?? 0,
    of: number(value["of"]) ?? 0,
    text: text(value["text"]),
    kind: text(value["kind"]),
    timeBoxS: number(value["time_box_s"]) ?? 0,
    codeLanguage: text(value["code_language"]) || null,
    starter: typeof value["starter"] === "string" ? value["starter"] : null,
  };
}

function spokenStatus(value: unknown): SpokenStatus {
  return value === "new" || value === "in-progress" ? value : "completed";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
