// Which words the page speaks: those that the person chose, else the browser's language where we have it. The choice is
// made here and nowhere else; a new one is taken with the next load of the page.

import { preference, setPreference } from "../storage";
import { en, type Strings } from "./en";
import { uk } from "./uk";

const LANGUAGES: Readonly<Record<string, Strings>> = { en, uk };
const PREFERENCE = "page-language";

export const t: Strings = LANGUAGES[preference(PREFERENCE) ?? navigator.language.slice(0, 2)] ?? en;

/** What the page can speak, each language by its own name. */
export const PAGE_LANGUAGES: readonly { code: string; name: string }[] = [
  { code: "en", name: "English" },
  { code: "uk", name: "Українська" },
];

export function speak(code: string): void {
  setPreference(PREFERENCE, code);
  window.location.reload();
}

/** "4:05", or "1:02:09" from an hour on. */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) return `${hours}:${parts.join(":")}`;
  return `${Number(parts[0])}:${parts[1]}`;
}

export function oneDecimal(value: number): string {
  return value.toLocaleString(t.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

export function dateAndTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString(t.lang, { dateStyle: "medium", timeStyle: "short" });
}

/** "English" for "en"; the code itself where the browser knows no name. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames([t.lang], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function levelName(level: string): string {
  return t.front.levels[level] ?? level;
}
