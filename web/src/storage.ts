// What this browser remembers: its interviews, their join tokens, and small preferences.
// Storage may be refused (private windows): every call then does without, and none throws.

import { isRecord } from "./wire";

const INTERVIEWS_KEY = "vivavoce.interviews";
const PREFERENCE_PREFIX = "vivavoce.preference.";
const DRAFT_PREFIX = "vivavoce.draft.";
/** Old entries fall off the end: the list is for finding one's way back, not an archive. */
const REMEMBERED_MAX_INTERVIEWS = 50;

export interface Remembered {
  id: string;
  token: string | null;
  title: string;
  category: string;
  level: string;
  started: string;
}

export function rememberedInterviews(): Remembered[] {
  const raw = read(localArea(), INTERVIEWS_KEY);
  if (raw === null) return [];
  try {
    const parsed: unknown = JSON.parse(raw);
    return Array.isArray(parsed) ? parsed.flatMap(toRemembered) : [];
  } catch {
    return [];
  }
}

/** Adds or updates one interview. False if the browser keeps nothing. */
export function remember(entry: Remembered): boolean {
  const others = rememberedInterviews().filter((other) => other.id !== entry.id);
  const list = [entry, ...others].slice(0, REMEMBERED_MAX_INTERVIEWS);
  return write(localArea(), INTERVIEWS_KEY, JSON.stringify(list));
}

export function forgetInterviews(): void {
  try {
    localArea()?.removeItem(INTERVIEWS_KEY);
  } catch {
    // Nothing was kept, so nothing is left.
  }
}

export function rememberedInterview(id: string): Remembered | undefined {
  return rememberedInterviews().find((entry) => entry.id === id);
}

export function preference(name: string): string | null {
  return read(localArea(), PREFERENCE_PREFIX + name);
}

export function setPreference(name: string, value: string): void {
  write(localArea(), PREFERENCE_PREFIX + name, value);
}

/** Code in progress outlives a reload of the tab, and no more. */
export function draft(interview: string, question: string): string | null {
  return read(sessionArea(), `${DRAFT_PREFIX}${interview}.${question}`);
}

export function setDraft(interview: string, question: string, content: string): void {
  write(sessionArea(), `${DRAFT_PREFIX}${interview}.${question}`, content);
}

function toRemembered(value: unknown): Remembered[] {
  if (!isRecord(value) || typeof value["id"] !== "string") return [];
  const text = (key: string): string => (typeof value[key] === "string" ? value[key] : "");
  return [
    {
      id: value["id"],
      token: text("token") || null,
      title: text("title"),
      category: text("category"),
      level: text("level"),
      started: text("started"),
    },
  ];
}

function localArea(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function sessionArea(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function read(area: Storage | null, key: string): string | null {
  try {
    return area?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function write(area: Storage | null, key: string, value: string): boolean {
  try {
    if (area === null) return false;
    area.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
