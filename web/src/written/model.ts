// What the server says in a written interview, parsed at the border. What is not understood is passed over.

import { isRecord, parseQuestion, type Question } from "../wire";

export interface WrittenState {
  phase: "connecting" | "asking" | "paused" | "ended";
  lastLine: number;
  question: Question | null;
  remainingMs: number;
  ended: string | null;
}

export interface Said {
  who: "bot" | "user";
  text: string;
  kind: string;
}

export interface Point {
  statement: string;
  status: string;
  quote: string;
}

export interface Feedback {
  questionId: string;
  question: string;
  outcome: string;
  level: number | null;
  comment: string;
  points: Point[];
  reference: string;
}

export type FromServer =
  | { type: "state"; state: WrittenState; conversation: Said[]; feedback: Feedback[] }
  | { type: "step"; state: WrittenState; said: Said[] }
  | { type: "feedback_begun" | "feedback_failed"; questionId: string }
  | { type: "feedback_point"; questionId: string; point: Point }
  | { type: "feedback"; feedback: Feedback }
  | { type: "problem"; status: number; detail: string };

export function parse(raw: unknown): FromServer | null {
  if (typeof raw !== "string") return null;
  let message: unknown;
  try {
    message = JSON.parse(raw);
  } catch {
    return null;
  }
  if (!isRecord(message)) return null;
  const type = message["type"];
  const questionId = text(message["question_id"]);
  switch (type) {
    case "state":
      return { type, state: toState(message["state"]), conversation: list(message["conversation"]).map(toSaid), feedback: list(message["feedback"]).map(toFeedback) };
    case "step":
      return { type, state: toState(message["state"]), said: list(message["said"]).map(toSaid) };
    case "feedback_begun":
    case "feedback_failed":
      return { type, questionId };
    case "feedback_point":
      return { type, questionId, point: toPoint(isRecord(message["point"]) ? message["point"] : {}) };
    case "feedback":
      return isRecord(message["feedback"]) ? { type, feedback: toFeedback(message["feedback"]) } : null;
    case "problem":
      return { type, status: number(message["status"]) ?? 0, detail: text(message["detail"]) };
    default:
      return null;
  }
}

function toState(value: unknown): WrittenState {
  const state = isRecord(value) ? value : {};
  const phase = state["phase"];
  return {
    phase: phase === "asking" || phase === "paused" || phase === "ended" ? phase : "connecting",
    lastLine: number(state["last_line"]) ?? 0,
    question: parseQuestion(state["question"]),
    remainingMs: number(state["remaining_ms"]) ?? 0,
    ended: text(state["ended"]) || null,
  };
}

function toSaid(value: Record<string, unknown>): Said {
  return { who: value["role"] === "candidate" ? "user" : "bot", text: text(value["text"]), kind: text(value["kind"]) };
}

function toFeedback(value: Record<string, unknown>): Feedback {
  return {
    questionId: text(value["question_id"]),
    question: text(value["question"]),
    outcome: text(value["outcome"]),
    level: number(value["level"]),
    comment: text(value["comment"]),
    points: list(value["key_points"]).map(toPoint),
    reference: text(value["reference_answer"]),
  };
}

function toPoint(value: Record<string, unknown>): Point {
  const quote = value["quote"];
  return { statement: text(value["statement"]), status: text(value["status"]), quote: isRecord(quote) ? text(quote["text"]) : "" };
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
