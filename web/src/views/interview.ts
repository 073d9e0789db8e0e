// The way from the link to the end of the talk: look at the interview, microphone, consent, then the stage.

import { fetchInterview, Problem, type Interview } from "../api";
import { isOver } from "../call";
import { button, show, showProblem, waiting } from "../frame";
import type { Visit } from "../main";
import { stopStream } from "../sound";
import { stage } from "../stage/stage";
import { remember, rememberedInterview } from "../storage";
import { t } from "../text";
import { written } from "../written/view";
import { consentStep } from "./consent";
import { microphoneStep } from "./microphone";

export async function interview(visit: Visit, id: string, token: string | null): Promise<void> {
  show(visit.main, t.stage.title, waiting(t.stage.phases.connecting));
  let found: Interview;
  try {
    found = await fetchInterview(id, token, visit.signal);
  } catch (error) {
    if (!visit.signal.aborted) showFailure(visit, id, token, error);
    return;
  }
  if (visit.signal.aborted) return;
  noteVisit(found, token);
  if (isOver(found.status)) return visit.go(`/report/${id}`);
  if (found.mode === "text") {
    if (!found.consented) await consentStep(visit, found, token);
    return visit.signal.aborted ? undefined : written(visit, found, token);
  }
  if (typeof RTCPeerConnection === "undefined") return showProblem(visit.main, t.problems.title, t.problems.unsupported);

  const begun = found.status === "active" || found.status === "paused";
  const microphone = await microphoneStep(visit, begun && found.consented);
  if (visit.signal.aborted) return stopStream(microphone.stream);
  visit.signal.addEventListener("abort", () => stopStream(microphone.stream));
  if (!found.consented) await consentStep(visit, found, token);
  if (visit.signal.aborted) return;
  stage(visit, found, token, microphone);
}

/** Keeps a way back to interviews that were joined by a link. */
function noteVisit(found: Interview, token: string | null): void {
  const known = rememberedInterview(found.id);
  remember({
    id: found.id,
    token: token ?? known?.token ?? null,
    title: known?.title || found.title || found.jobPosition,
    category: found.category,
    level: found.level,
    started: known?.started || new Date().toISOString(),
  });
}

function showFailure(visit: Visit, id: string, token: string | null, error: unknown): void {
  const problem = error instanceof Problem ? error : null;
  const barred = problem !== null && (problem.status === 401 || problem.status === 403);
  const words = barred && token === null ? t.problems.tokenMissing : (problem?.words ?? t.problems.server);
  const again = button(t.tryAgain, { class: "primary", icon: "repeat" });
  again.addEventListener("click", () => void interview(visit, id, token));
  const fixed = problem !== null && (barred || problem.status === 404);
  showProblem(visit.main, t.problems.title, words, fixed ? null : again);
}
