// One interview: live while it is in progress, its words with their sound, its scores and how a person changes them.

import { account } from "../account/session";
import { endInterview, fileAddress, freshFileAddress, request } from "../api";
import { append, fill, h, setText } from "../dom";
import { playOn } from "../file-link";
import { waiting } from "../frame";
import type { Visit } from "../main";
import { levelForm } from "../report/change";
import { clockTime, levelName, t } from "../text";
import { saidBy } from "../views/form";
import { invitations } from "./invitations";
import { follow } from "./live";
import { act, keep, pages, statusChip } from "./pages";
import { flag, number, record, records, text, type Fields } from "./read";

const words = t.admin.interview;
const PAGE = "100";
/** How often it is asked where a live interview stands. */
const LOOK_MS = 3_000;
/** Captions that are kept on the page: the transcript has them all. */
const CAPTIONS_MAX = 200;

export async function interviewPart(visit: Visit, slot: HTMLElement, id: string): Promise<void> {
  fill(slot, waiting(t.front.loading));
  try {
    const interview = await request(`/interviews/${id}`, { signal: visit.signal });
    if (visit.signal.aborted) return;
    const isOver = !["scheduled", "waiting", "active", "paused"].includes(text(interview, "status"));
    fill(slot, h("p", {}, h("a", { href: "/admin/interviews" }, words.back)), head(visit, id, interview, isOver), !isOver && text(interview, "purpose") === "official" && text(interview, "start_time") === "" ? invitations(visit, id) : null, isOver ? null : live(visit, slot, id), transcript(visit, id, isOver), isOver ? scores(visit, id) : null);
  } catch (error) {
    if (!visit.signal.aborted) fill(slot, saidBy(error));
  }
}

function head(visit: Visit, id: string, interview: unknown, isOver: boolean): HTMLElement {
  const said = h("div", { "aria-live": "polite" });
  const end = act(words.end, said, () => endInterview(id, null), { class: "danger slim", testid: "end" });
  const save = act(words.exports, said, () => keep(`/interviews/${id}/export`, `interview-${id}.json`));
  const report = text(interview, "report_state") === "ready" ? h("a", { class: "button slim", href: `/report/${id}` }, words.report) : null;
  const log = h("a", { class: "button slim quiet", href: `/admin/log/${id}`, testid: "to-log" }, t.admin.log.ofThis);
  const isAdmin = account()?.role === "admin";
  visit.signal.addEventListener("abort", () => end.remove());
  return h(
    "section",
    { class: "card stack" },
    h("h2", { testid: "title" }, text(interview, "title")),
    h("p", {}, statusChip(text(interview, "status")), " ", text(interview, "job_position"), ", ", levelName(text(interview, "level"))),
    h("div", { class: "row" }, report, isAdmin ? save : null, isAdmin ? log : null, isOver ? null : end),
    said,
  );
}

function live(visit: Visit, slot: HTMLElement, id: string): HTMLElement {
  const where = h("p", { testid: "position" });
  const latency = h("p", { class: "soft", testid: "latency" }, words.latencyNone);
  const captions = h("ol", { class: "captions-log", testid: "captions", "aria-live": "off" });
  const state = h("p", { class: "soft", role: "status" }, words.quiet);
  const replies: number[] = [];
  let opened = "";
  const look = async (): Promise<void> => {
    const now = await request(`/interviews/${id}`, { signal: visit.signal }).catch(() => null);
    const question = record(now, "question");
    const at = number(question, "number");
    const of = number(question, "of");
    const place = at !== null && of !== null ? words.position(at, of) : opened;
    setText(where, [place, words.elapsed(clockTime(number(now, "elapsed_ms") ?? 0))].filter((one) => one !== "").join(", "));
  };
  void look();
  const timer = window.setInterval(() => void look(), LOOK_MS);
  visit.signal.addEventListener("abort", () => window.clearInterval(timer));
  const say = (role: string, said: string): void => {
    if (said === "") return;
    setText(state, "");
    append(captions, [h("li", { class: `caption ${role}` }, h("strong", {}, words.roles[role] ?? role), " ", said)]);
    while (captions.childElementCount > CAPTIONS_MAX) captions.firstElementChild?.remove();
    captions.scrollTop = captions.scrollHeight;
  };
  follow(
    id,
    {
      connected: (is) => setText(state, is ? "" : words.lost),
      over: () => {
        window.clearInterval(timer);
        setText(state, words.over);
        // What is kept of it is complete now.
        window.setTimeout(() => void (visit.signal.aborted ? null : interviewPart(visit, slot, id)), LOOK_MS);
      },
      event: (kind, payload) => {
        if (kind === "utterance_transcribed") say("candidate", text(payload, "text"));
        if (kind === "answer_committed" && flag(payload, "typed")) say("candidate", text(payload, "text"));
        if (kind === "speech_ended") say("interviewer", text(payload, "heard"));
        if (kind === "question_opened") {
          opened = `${number(payload, "number") ?? ""} ${text(payload, "key")}`.trim();
          void look();
        }
        if (kind === "replied") {
          const ms = number(record(payload, "stages"), "first_sample_sent_ms");
          if (ms === null) return;
          replies.push(ms);
          const median = [...replies].sort((a, b) => a - b)[Math.floor(replies.length / 2)] ?? ms;
          setText(latency, words.latencyWords(`${ms} ms`, `${median} ms`, replies.length));
        }
      },
    },
    visit.signal,
  );
  return h("section", { class: "card stack", testid: "live" }, h("h2", {}, t.admin.live), where, h("h3", {}, words.latency), latency, h("h3", {}, words.captions), captions, state);
}

function transcript(visit: Visit, id: string, isOver: boolean): HTMLElement {
  const player = h("audio", { controls: true, preload: "none", "aria-label": words.recording, testid: "audio" });
  player.src = fileAddress(id, null, "recording");
  playOn(
    player,
    () => freshFileAddress(id, null, "recording"),
    () => {
      player.hidden = true;
    },
  );
  const box = h("ol", { class: "captions-log whole", testid: "lines" });
  const lines = (answer: unknown): HTMLElement[] => records(answer, "transcript").map((line) => transcriptLine(line, player));
  const pager = pages({ path: `/interviews/${id}/transcript`, cursor: "after", box, none: words.noTranscript, signal: visit.signal, rows: lines });
  void pager.load({ limit: PAGE });
  return h("section", { class: "card stack" }, h("h2", {}, words.transcript), isOver ? player : null, box, pager.foot);
}

function transcriptLine(line: Fields, player: HTMLAudioElement): HTMLElement {
  const start = number(line, "start_ms") ?? 0;
  const latency = number(line, "latency_ms");
  const role = text(line, "role");
  const play = h("button", { type: "button", class: "link-button", "aria-label": words.play(clockTime(start)) }, clockTime(start));
  play.addEventListener("click", () => {
    player.currentTime = start / 1000;
    void player.play().catch(() => undefined);
  });
  return h("li", { class: `caption ${role}` }, play, " ", h("strong", {}, words.roles[role] ?? role), " ", text(line, "content"), latency === null ? null : h("span", { class: "soft small" }, ` ${latency} ms`));
}

function scores(visit: Visit, id: string): HTMLElement {
  const box = h("div", { class: "stack" }, waiting(t.front.loading));
  const draw = async (): Promise<void> => {
    try {
      const report = await request(`/interviews/${id}/report`, { signal: visit.signal });
      if (!visit.signal.aborted) fill(box, records(report, "questions").map((one) => question(visit, id, one, draw)));
    } catch {
      if (!visit.signal.aborted) fill(box, h("p", { class: "soft" }, words.noScores));
    }
  };
  void draw();
  return h("section", { class: "card stack", testid: "scores" }, h("h2", {}, words.scores), h("p", { class: "soft small" }, words.scoresHint), box);
}

function question(visit: Visit, id: string, one: Fields, draw: () => Promise<void>): HTMLElement {
  const level = (name: string): string => String(number(one, name) ?? words.noLevel);
  const change = levelForm(visit, id, { id: text(one, "id"), level: number(one, "level") }, draw);
  return h(
    "details",
    { class: "answer-again", testid: `score-${text(one, "id")}` },
    h("summary", {}, text(one, "text"), " ", h("span", { class: "chip accent" }, words.counts(level("level"))), " ", h("span", { class: "chip" }, words.scored(level("scored_level")))),
    h("p", {}, text(record(one, "answer"), "text")),
    h("p", { class: "soft" }, text(one, "comment")),
    change,
  );
}
