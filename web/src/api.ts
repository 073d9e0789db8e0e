// The REST calls of the page. Every failure leaves as a Problem with words that a candidate can use;
// no answer is used before its shape was looked at.

import { accessToken, current } from "./account/session";
import { t } from "./text";
import { isRecord } from "./wire";

const BASE = "/api/v1";
/** A server that says nothing for this long counts as unreachable. */
const REQUEST_TIMEOUT_MS = 20_000;

/** A failed request: an RFC 9457 document, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    /** Field by field, where fields are wrong. */
    readonly fields: readonly { field: string; message: string }[] = [],
  ) {
    super(detail);
    this.name = "Problem";
  }

  /** One sentence for the person. */
  get words(): string {
    switch (this.status) {
      case 0:
        return t.problems.network;
      case 401:
      case 403:
        return this.detail || t.problems.tokenWrong;
      case 404:
        return t.problems.notFound;
      case 429:
      case 503:
        return this.detail || t.problems.overloaded;
      default:
        return this.status < 500 ? this.detail || t.problems.server : t.problems.server;
    }
  }
}

export interface Category {
  slug: string;
  name: string;
  description: string;
  language: string;
  jobPositions: string[];
  levels: { level: string; questions: number }[];
  /** Whether the server can hold a voice interview in this language. */
  voice: boolean;
}

export type Mode = "voice" | "text";

export interface Interview {
  id: string;
  title: string;
  status: string;
  category: string;
  level: string;
  language: string;
  jobPosition: string;
  room: string;
  consented: boolean;
  mode: Mode;
  reportState: "none" | "queued" | "ready" | "failed";
  disclosure: { version: string; text: string } | null;
}

export interface NewInterview {
  category: string;
  level: string;
  language: string;
  job_position: string;
  questions: number;
  mode: Mode;
  candidate_name?: string;
  accommodations?: { patience: number };
}

export async function fetchCategories(signal: AbortSignal): Promise<Category[]> {
  const body = await json("/categories", { signal });
  const list = isRecord(body) && Array.isArray(body["categories"]) ? body["categories"] : [];
  return list.flatMap(toCategory);
}

export async function createInterview(wish: NewInterview): Promise<{ interview: Interview; token: string | null }> {
  const body = await json("/interviews", {
    method: "POST",
    json: { ...wish, purpose: "practice" },
  });
  const token = isRecord(body) && typeof body["join_token"] === "string" ? body["join_token"] : null;
  return { interview: toInterview(body), token };
}

export async function fetchInterview(id: string, token: string | null, signal?: AbortSignal): Promise<Interview> {
  return toInterview(await json(`/interviews/${id}`, { token, ...(signal ? { signal } : {}) }));
}

export async function postConsent(id: string, token: string | null, version: string): Promise<void> {
  await send(`/interviews/${id}/consent`, { method: "POST", token, json: { version, accepted: true } });
}

/** Sends the interviewer into the interview's Daily room; gives the candidate's way there. */
export async function joinDailyRoom(id: string, token: string | null): Promise<string> {
  const body = await json(`/interviews/${id}/daily`, { method: "POST", token });
  const url = isRecord(body) ? string(body["join_url"]) : "";
  if (!url.startsWith("https://")) throw new Problem(200, t.problems.server);
  return url;
}

export async function endInterview(id: string, token: string | null): Promise<void> {
  await send(`/interviews/${id}/end`, { method: "POST", token });
}

export async function fetchReport(id: string, token: string | null, signal: AbortSignal): Promise<unknown> {
  return json(`/interviews/${id}/report`, { token, signal });
}

export async function fetchTranscript(id: string, token: string | null, signal: AbortSignal): Promise<unknown> {
  return json(`/interviews/${id}/transcript`, { token, signal });
}

/** Sends the offer; gives the answer's SDP and the resource to delete when leaving. */
export async function postOffer(
  id: string,
  token: string | null,
  sdp: string,
  signal: AbortSignal,
): Promise<{ sdp: string; resource: string | null }> {
  const response = await send(`/interviews/${id}/whip`, { method: "POST", token, sdp, signal });
  return { sdp: await response.text(), resource: sameOrigin(response.headers.get("Location")) };
}

/** Hangs up. `keepalive` lets the request outlive the page. */
export function deleteResource(resource: string, token: string | null): void {
  void fetch(resource, { method: "DELETE", keepalive: true, headers: authorization(token) }).catch(() => undefined);
}

/** Files that an interview leaves. */
export type FileName = "recording" | "report.html" | "report.pdf" | "transcript.md" | "transcript.vtt";

/** The address of a file that a media element or a new tab opens, where no header can be sent. */
export function fileAddress(id: string, token: string | null, name: FileName): string {
  const known = token ?? current();
  const query = known === null ? "" : `?access_token=${encodeURIComponent(known)}`;
  return `${BASE}/interviews/${id}/${name}${query}`;
}

/** The same, good for the next minutes: an account's token is renewed first where it is about to end. */
export async function freshFileAddress(id: string, token: string | null, name: FileName): Promise<string> {
  return fileAddress(id, token ?? (await accessToken()), name);
}

export const SOUND_CHECK_ADDRESS = `${BASE}/sound-check.wav`;

export interface RequestOptions {
  method?: string;
  /** An interview's own token; without one the account's is sent, if somebody is logged in. */
  token?: string | null;
  /** Sends no token at all. */
  anonymous?: boolean;
  json?: unknown;
  sdp?: string;
  file?: { kind: string; content: Blob };
  signal?: AbortSignal;
}

/** Any request that is answered with JSON, or with nothing (null). */
export async function request(path: string, options: RequestOptions): Promise<unknown> {
  const response = await send(path, options);
  return response.status === 204 ? null : response.json().catch(() => Promise.reject(new Problem(500, "")));
}

/** Any answer as it came, for keeping it as a file. */
export async function fetchFile(path: string): Promise<Blob> {
  return (await send(path, {})).blob();
}

export async function upload(path: string, kind: string, content: Blob): Promise<unknown> {
  return json(path, { method: "POST", file: { kind, content } });
}

async function json(path: string, options: RequestOptions): Promise<unknown> {
  const response = await send(path, options);
  try {
    return await response.json();
  } catch {
    throw new Problem(response.status, t.problems.server);
  }
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const token = options.token ?? (options.anonymous === true ? null : await accessToken());
  const headers: Record<string, string> = { Accept: "application/json", ...authorization(token) };
  let body: string | Blob | null = null;
  if (options.sdp !== undefined) {
    headers["Content-Type"] = "application/sdp";
    headers["Accept"] = "application/sdp";
    body = options.sdp;
  } else if (options.file !== undefined) {
    headers["Content-Type"] = options.file.kind;
    body = options.file.content;
  } else if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  }
  const timeout = new AbortController();
  const timer = window.setTimeout(() => timeout.abort(), REQUEST_TIMEOUT_MS);
  const giveUp = (): void => timeout.abort();
  options.signal?.addEventListener("abort", giveUp);
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method: options.method ?? "GET",
      headers,
      body,
      cache: "no-store",
      signal: timeout.signal,
    });
  } catch {
    throw new Problem(0, "");
  } finally {
    window.clearTimeout(timer);
    options.signal?.removeEventListener("abort", giveUp);
  }
  if (!response.ok) throw await toProblem(response);
  return response;
}

function authorization(token: string | null): Record<string, string> {
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

async function toProblem(response: Response): Promise<Problem> {
  let detail = "";
  let fields: { field: string; message: string }[] = [];
  try {
    const body: unknown = await response.json();
    if (isRecord(body)) detail = string(body["detail"]) || string(body["title"]);
    const errors = isRecord(body) && Array.isArray(body["errors"]) ? body["errors"].filter(isRecord) : [];
    fields = errors.map((error) => ({ field: string(error["field"]), message: t.problems.said(string(error["message"])) }));
    // Of several fields the detail is what is said of each.
    detail = fields.length > 0 ? fields.map((one) => one.message).join(" ") : t.problems.said(detail);
  } catch {
    // A body that is no JSON explains nothing to a candidate.
  }
  return new Problem(response.status, detail, fields);
}

/** A Location of another origin is not followed: the token would go there. */
function sameOrigin(location: string | null): string | null {
  if (location === null) return null;
  try {
    const address = new URL(location, window.location.origin);
    return address.origin === window.location.origin ? address.pathname + address.search : null;
  } catch {
    return null;
  }
}

function toCategory(value: unknown): Category[] {
  if (!isRecord(value)) return [];
  const levels = Array.isArray(value["levels"]) ? value["levels"] : [];
  const positions = Array.isArray(value["job_positions"]) ? value["job_positions"] : [];
  return [
    {
      slug: string(value["slug"]),
      name: string(value["name"]),
      description: string(value["description"]),
      language: string(value["language"]) || "en",
      jobPositions: positions.map(string).filter((position) => position !== ""),
      levels: levels.filter(isRecord).map((level) => ({
        level: string(level["level"]),
        questions: typeof level["questions"] === "number" ? level["questions"] : 0,
      })),
      voice: value["voice"] !== false,
    },
  ];
}

function toInterview(value: unknown): Interview {
  if (!isRecord(value) || typeof value["id"] !== "string") throw new Problem(200, t.problems.server);
  const disclosure = value["disclosure"];
  const state = value["report_state"];
  return {
    id: value["id"],
    title: string(value["title"]),
    status: string(value["status"]),
    category: string(value["category"]),
    level: string(value["level"]),
    language: string(value["language"]) || "en",
    jobPosition: string(value["job_position"]),
    room: string(value["room"]),
    mode: value["mode"] === "text" ? "text" : "voice",
    consented: value["consented"] === true,
    reportState: state === "queued" || state === "ready" || state === "failed" ? state : "none",
    disclosure: isRecord(disclosure)
      ? { version: String(disclosure["version"] ?? ""), text: string(disclosure["text"]) }
      : null,
  };
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}
