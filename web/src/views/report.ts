// The report's page: waits until the report is there, then shows it, with its recording and transcript.

import { account } from "../account/session";
import { fetchInterview, fetchReport, fetchTranscript, freshFileAddress, Problem, type Interview } from "../api";
import { isOver } from "../call";
import { fill, h, setText } from "../dom";
import { fileLink } from "../file-link";
import { button, note, show, showProblem, steps, waiting } from "../frame";
import { icon } from "../icons";
import type { Visit } from "../main";
import { levelForm } from "../report/change";
import { reportDocument, reportHeading } from "../report/document";
import { parseReport, parseTranscript } from "../report/model";
import { quoteButton } from "../report/parts";
import { Player } from "../report/player";
import { t } from "../text";

const POLL_FIRST_MS = 1_500;
const POLL_MAX_MS = 6_000;
/** How the stage says in the address that the talk has just ended. */
export const JUST_ENDED = "#ended";
/** Straight from the talk, the session may still be closing for a moment; on a later visit it is simply open. */
const CLOSING_MAX_POLLS = 6;
const NEW_TAB = { target: "_blank", rel: "noopener" };

export async function report(visit: Visit, id: string, token: string | null): Promise<void> {
  show(visit.main, t.report.title, waiting(t.report.title));
  const patience = window.location.hash === JUST_ENDED ? CLOSING_MAX_POLLS : 0;
  let delayMs = POLL_FIRST_MS;
  let preparing: HTMLElement | null = null;
  for (let poll = 0; !visit.signal.aborted; poll += 1) {
    try {
      const interview = await fetchInterview(id, token, visit.signal);
      if (visit.signal.aborted) return;
      if (interview.reportState === "ready") return await open(visit, interview, token);
      if (interview.reportState === "failed") return showFailed(visit, interview, token);
      if (interview.status === "cancelled") return showProblem(visit.main, t.report.title, t.report.cancelled);
      const running = !isOver(interview.status) && interview.reportState === "none";
      if (running && (poll >= patience || !interview.consented)) return showRunning(visit, id);
      preparing ??= showPreparing(visit);
      setText(preparing, "");
    } catch (error) {
      if (visit.signal.aborted) return;
      const status = error instanceof Problem ? error.status : 0;
      if (status >= 400 && status < 500 && status !== 429) {
        const missing = (status === 401 || status === 403) && token === null;
        return showProblem(visit.main, t.problems.title, missing ? t.problems.tokenMissing : (error as Problem).words);
      }
      preparing ??= showPreparing(visit);
      setText(preparing, t.report.lostTouch);
    }
    await new Promise((resolve) => window.setTimeout(resolve, delayMs));
    delayMs = Math.min(delayMs * 1.3, POLL_MAX_MS);
  }
}

/** Shows that the report is being made; gives the line for news. */
function showPreparing(visit: Visit): HTMLElement {
  const news = h("p", { class: "soft small" });
  show(
    visit.main,
    t.report.preparing,
    h(
      "div",
      { class: "narrow stack" },
      steps("report"),
      h(
        "div",
        { class: "waiting", role: "status", testid: "report-preparing" },
        h("div", { class: "spinner" }),
        h("h1", {}, t.report.preparing),
        h("p", { class: "lead" }, t.report.preparingText),
        news,
      ),
    ),
  );
  return news;
}

function showRunning(visit: Visit, id: string): void {
  showProblem(visit.main, t.report.notEnded, t.report.notEndedText, h("a", { class: "button primary", href: `/interview/${id}` }, t.report.goOn));
}

function showFailed(visit: Visit, interview: Interview, token: string | null): void {
  const player = new Player(() => freshFileAddress(interview.id, token, "recording"), visit.signal);
  show(
    visit.main,
    t.report.failed,
    h(
      "div",
      { class: "report narrow", testid: "report-failed" },
      h("h1", {}, t.report.failed),
      note("warn", "warning", "", h("p", {}, t.report.failedText)),
      h("div", { class: "row" }, recordingLink(interview.id, token)),
      transcript(visit, interview, token, player),
      player.element,
    ),
  );
}

async function open(visit: Visit, interview: Interview, token: string | null): Promise<void> {
  const found = parseReport(await fetchReport(interview.id, token, visit.signal));
  if (visit.signal.aborted) return;
  const player = new Player(() => freshFileAddress(interview.id, token, "recording"), visit.signal);
  const heading = reportHeading(found);
  const actions = h(
    "div",
    { class: "row report-actions" },
    fileLink(interview.id, token, "report.html", { ...NEW_TAB, testid: "report-print" }, [icon("print"), t.report.print]),
    fileLink(interview.id, token, "report.pdf", { ...NEW_TAB, testid: "report-pdf" }, [icon("download"), t.report.pdf]),
    fileLink(interview.id, token, "report.html", NEW_TAB, [icon("print"), t.report.takeHome], { variant: "feedback" }),
    recordingLink(interview.id, token),
  );
  show(
    visit.main,
    heading.querySelector("h1")?.textContent ?? t.report.title,
    h(
      "article",
      { class: "report", testid: "report" },
      h("div", { class: "report-head" }, heading, actions),
      reportDocument(found, player, isStaff() ? (question) => levelForm(visit, interview.id, question, () => open(visit, interview, token)) : null),
      transcript(visit, interview, token, player),
    ),
    player.element,
  );
}

/** Whether the reader may change a level. */
function isStaff(): boolean {
  const role = account()?.role;
  return role === "interviewer" || role === "admin";
}

function recordingLink(id: string, token: string | null): HTMLElement {
  return fileLink(id, token, "recording", { download: `interview-${id}.wav` }, [icon("download"), t.report.recording]);
}

/** The transcript, fetched when it is opened. */
function transcript(visit: Visit, interview: Interview, token: string | null, player: Player): HTMLElement {
  const slot = h("div", { class: "transcript" });
  const element = h("details", { class: "card transcript-card", testid: "transcript" }, h("summary", {}, h("h2", {}, t.report.transcript), h("span", { class: "turner", "aria-hidden": "true" }, icon("chevron"))), slot);
  const load = async (): Promise<void> => {
    fill(slot, waiting(t.report.transcript));
    try {
      const rows = parseTranscript(await fetchTranscript(interview.id, token, visit.signal));
      if (rows.length === 0) return fill(slot, h("p", { class: "soft" }, t.report.transcriptEmpty));
      fill(
        slot,
        h(
          "p",
          { class: "row" },
          fileLink(interview.id, token, "transcript.md", { download: `transcript-${interview.id}.md` }, [icon("download"), t.report.asText]),
          fileLink(interview.id, token, "transcript.vtt", { download: `transcript-${interview.id}.vtt` }, [icon("download"), t.report.subtitles]),
        ),
        rows.map((row) =>
          h(
            "div",
            { class: `line ${row.role === "candidate" ? "user" : "bot"}` },
            h("p", { class: "who" }, row.role === "candidate" ? t.candidate : t.interviewer),
            quoteButton({ text: row.content, startMs: row.startMs, endMs: row.endMs }, player, interview.language),
            row.interrupted ? h("span", { class: "chip" }, t.stage.interrupted) : null,
          ),
        ),
      );
    } catch {
      if (visit.signal.aborted) return;
      const again = button(t.tryAgain, { class: "slim", icon: "repeat" });
      again.addEventListener("click", () => void load());
      fill(slot, note("bad", "warning", t.report.transcriptFailed, h("div", { class: "row" }, again)));
    }
  };
  element.addEventListener("toggle", () => {
    if (element.open && slot.childElementCount === 0) void load();
  });
  return element;
}
