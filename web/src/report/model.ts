// The report as the page reads it. Everything may be missing: an old or unfinished report still opens,
// and shows what it has.

import { isRecord } from "../wire";

export interface Quote {
  text: string;
  startMs: number | null;
  endMs: number | null;
}

export interface Score {
  score: number | null;
  /** Mean level as it was seen, before the score was drawn towards the middle. */
  mean: number | null;
  interval: [number, number] | null;
  reason: string;
}

export interface Finding {
  text: string;
  quote: Quote | null;
}

export interface Competency extends Score {
  name: string;
  /** A share of one, or null. */
  weight: number | null;
  questions: number;
}

export interface KeyPoint {
  statement: string;
  status: string;
  quote: Quote | null;
}

export interface ReportQuestion {
  id: string;
  number: number;
  text: string;
  kind: string;
  state: string;
  level: number | null;
  /** As the scorer gave it; another one than `level` where a person changed it. */
  scoredLevel: number | null;
  /** What went wrong on our side. */
  faults: string[];
  comment: string;
  reference: string;
  answer: Quote | null;
  prompted: boolean;
  keyPoints: KeyPoint[];
  probes: string[];
  misconceptions: Finding[];
}

export interface TimelineTurn {
  candidate: boolean;
  question: number | null;
  startMs: number;
  endMs: number;
  latencyMs: number | null;
}

export interface Override {
  questionId: string;
  from: number | null;
  to: number | null;
  by: string;
  reason: string;
  at: string;
}

export interface Report {
  interview: {
    title: string;
    jobPosition: string;
    level: string;
    category: string;
    language: string;
    startTime: string;
    durationMs: number | null;
  };
  summary: {
    recommendation: string;
    why: string;
    overall: Score;
    technical: Score;
    softSkills: Score;
    strengths: Finding[];
    gaps: Finding[];
  };
  competencies: Competency[];
  questions: ReportQuestion[];
  artifacts: { questionId: string; language: string; code: string; version: number }[];
  delivery: {
    medianMs: number | null;
    tailMs: number | null;
    worstMs: number | null;
    turns: number | null;
    recovered: number | null;
    speechMs: number | null;
    /** Turns that our side damaged. */
    damaged: number | null;
    note: string;
  };
  timeline: TimelineTurn[];
  overrides: Override[];
  /** How levels became scores, in words. */
  method: string;
  integrity: { kind: string; questionId: string; detail: string }[];
  feedback: { text: string; topics: { topic: string; right: string; study: string }[] };
  provenance: [string, string][];
}

export function parseReport(value: unknown): Report {
  const root = record(value);
  const interview = record(root["interview"]);
  const summary = record(root["summary"]);
  const delivery = record(root["delivery"]);
  // The recording is believed before the events.
  const heardGap = record(delivery["heard_gap_ms"]);
  const gap = number(heardGap["p50"]) === null ? record(delivery["gap_ms"]) : heardGap;
  const feedback = record(root["feedback"]);
  return {
    interview: {
      title: text(interview["title"]),
      jobPosition: text(interview["job_position"]),
      level: text(interview["level"]),
      category: text(interview["category"]),
      language: text(interview["language"]) || "en",
      startTime: text(interview["start_time"]),
      durationMs: number(interview["duration_ms"]),
    },
    summary: {
      recommendation: text(summary["recommendation"]),
      why: text(summary["why"]),
      overall: score(summary["overall"]),
      technical: score(summary["technical"]),
      softSkills: score(summary["soft_skills"]),
      strengths: list(summary["strengths"]).map(finding),
      gaps: list(summary["gaps"]).map(finding),
    },
    competencies: normalised(list(root["competencies"]).map(competency)),
    questions: list(root["questions"]).map(question),
    artifacts: list(root["artifacts"]).map((one) => ({
      questionId: text(one["question_id"]),
      language: text(one["language"]),
      code: text(one["code"]),
      version: number(one["version"]) ?? 1,
    })),
    delivery: {
      medianMs: number(gap["p50"]),
      tailMs: number(gap["p95"]),
      worstMs: number(gap["p99"]),
      turns: number(delivery["turns"]),
      recovered: number(delivery["interruptions_recovered"]),
      speechMs: number(delivery["candidate_speech_ms"]),
      damaged: number(delivery["damaged_turns"]),
      note: text(delivery["note"]),
    },
    timeline: list(root["timeline"]).flatMap((one) => {
      const startMs = number(one["start_ms"]);
      const endMs = number(one["end_ms"]);
      if (startMs === null || endMs === null) return [];
      return [{ candidate: one["role"] === "candidate", question: number(one["question"]), startMs, endMs, latencyMs: number(one["latency_ms"]) }];
    }),
    overrides: list(root["overrides"]).map((one) => ({
      questionId: text(one["question_id"]),
      from: number(one["from"]),
      to: number(one["to"]),
      by: text(one["by"]),
      reason: text(one["reason"]),
      at: text(one["at"]),
    })),
    method: text(record(root["method"])["explanation"]),
    integrity: list(root["integrity"]).map((one) => ({
      kind: text(one["kind"]),
      questionId: text(one["question_id"]),
      detail: text(one["detail"]),
    })),
    feedback: {
      text: text(feedback["text"]),
      topics: list(feedback["topics"]).map((one) => ({
        topic: text(one["topic"]),
        right: text(one["right"]),
        study: text(one["study"]),
      })),
    },
    provenance: [...named(record(root["provenance"]), ""), ...named(record(record(root["provenance"])["hashes"]), " SHA-256")],
  };
}

function named(parts: Record<string, unknown>, after: string): [string, string][] {
  return Object.entries(parts).flatMap(([key, one]): [string, string][] => {
    const words = typeof one === "number" ? String(one) : text(one);
    return words === "" ? [] : [[`${key}${after}`, words]];
  });
}

export interface TranscriptRow {
  role: string;
  content: string;
  startMs: number | null;
  endMs: number | null;
  interrupted: boolean;
}

/** The transcript's rows: a bare list, or the first list inside the answer. */
export function parseTranscript(value: unknown): TranscriptRow[] {
  const rows = Array.isArray(value) ? value : Object.values(record(value)).find((one) => Array.isArray(one));
  return list(rows).flatMap((row) => {
    const content = text(row["content"]) || text(row["text"]);
    if (content === "") return [];
    return [
      {
        role: text(row["role"]),
        content,
        startMs: number(row["start_ms"]),
        endMs: number(row["end_ms"]),
        interrupted: row["interrupted"] === true,
      },
    ];
  });
}

function question(one: Record<string, unknown>, index: number): ReportQuestion {
  return {
    id: text(one["id"]),
    number: number(one["number"]) ?? index + 1,
    text: text(one["text"]),
    kind: text(one["kind"]),
    state: text(one["state"]),
    level: number(one["level"]),
    scoredLevel: number(one["scored_level"]),
    faults: list(one["faults"]).map((fault) => text(fault["detail"])).filter((words) => words !== ""),
    comment: text(one["comment"]),
    reference: text(one["reference_answer"]),
    answer: quote(one["answer"]),
    prompted: one["prompted"] === true,
    keyPoints: list(one["key_points"]).map((point) => ({
      statement: text(point["statement"]),
      status: text(point["status"]),
      quote: quote(point["quote"]),
    })),
    probes: list(one["probes"]).map((probe) => text(probe["text"])).filter((words) => words !== ""),
    misconceptions: list(one["misconceptions"]).map((wrong) => ({ text: text(wrong["statement"]), quote: quote(wrong["quote"]) })),
  };
}

function competency(one: Record<string, unknown>): Competency {
  return {
    name: text(one["name"]) || text(one["slug"]),
    weight: number(one["weight"]),
    questions: number(one["questions"]) ?? 0,
    ...score(one),
  };
}

/** Weights as shares of one, whatever scale they came in. */
function normalised(competencies: Competency[]): Competency[] {
  const sum = competencies.reduce((total, one) => total + (one.weight ?? 0), 0);
  if (sum <= 0) return competencies;
  return competencies.map((one) => ({ ...one, weight: one.weight === null ? null : one.weight / sum }));
}

function finding(one: Record<string, unknown>): Finding {
  return { text: text(one["text"]), quote: quote(one["quote"]) };
}

function score(value: unknown): Score {
  const one = record(value);
  return { score: number(one["score"]), mean: number(one["level_mean"]), interval: interval(one["interval90"]), reason: text(one["reason"]) };
}

function interval(value: unknown): [number, number] | null {
  if (!Array.isArray(value)) return null;
  const lo = number(value[0]);
  const hi = number(value[1]);
  return lo === null || hi === null ? null : [lo, hi];
}

function quote(value: unknown): Quote | null {
  const one = record(value);
  const words = text(one["text"]);
  return words === "" ? null : { text: words, startMs: number(one["start_ms"]), endMs: number(one["end_ms"]) };
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
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
