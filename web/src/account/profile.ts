// The profile over REST, looked at before it is used.

import { request, upload } from "../api";
import { isRecord } from "../wire";

/** Where a field was read; null where the person wrote it. */
export interface Place {
  page: number;
  line: number;
  quote: string;
}

export interface Fields {
  jobPosition: string;
  level: string;
  techStack: string[];
  resume: Record<string, unknown>;
  places: Map<string, Place>;
}

export interface Profile {
  /** As the person confirmed it; null before that. */
  confirmed: Fields | null;
  /** As the last CV says, and not confirmed yet. */
  draft: Fields | null;
}

export async function fetchProfile(signal: AbortSignal): Promise<Profile> {
  return toProfile(await request("/profiles/me", { signal }));
}

export async function uploadCv(file: File): Promise<Profile> {
  const isText = file.type === "text/plain" || file.name.toLowerCase().endsWith(".txt");
  return toProfile(await upload("/profiles/me/cv", isText ? "text/plain" : "application/pdf", file));
}

export async function confirmProfile(fields: Omit<Fields, "places">): Promise<Profile> {
  const json = {
    job_position: fields.jobPosition,
    experience_level: fields.level === "" ? null : fields.level,
    tech_stack: fields.techStack,
    resume: fields.resume,
  };
  return toProfile(await request("/profiles/me", { method: "PUT", json }));
}

export async function deleteProfile(): Promise<void> {
  await request("/profiles/me", { method: "DELETE" });
}

function toProfile(value: unknown): Profile {
  const body = isRecord(value) ? value : {};
  return {
    confirmed: typeof body["confirmed_at"] === "string" ? toFields(body) : null,
    draft: isRecord(body["draft"]) ? toFields(body["draft"]) : null,
  };
}

function toFields(value: Record<string, unknown>): Fields {
  const stack = value["tech_stack"];
  const provenance = isRecord(value["provenance"]) ? Object.entries(value["provenance"]) : [];
  const places = new Map<string, Place>();
  for (const [path, place] of provenance) {
    if (!isRecord(place) || typeof place["page"] !== "number" || typeof place["quote"] !== "string") continue;
    const line = typeof place["line"] === "number" ? place["line"] : 0;
    places.set(path, { page: place["page"], line, quote: place["quote"] });
  }
  return {
    jobPosition: typeof value["job_position"] === "string" ? value["job_position"] : "",
    level: typeof value["experience_level"] === "string" ? value["experience_level"] : "",
    techStack: Array.isArray(stack) ? stack.filter((name): name is string => typeof name === "string") : [],
    resume: isRecord(value["resume"]) ? value["resume"] : {},
    places,
  };
}
