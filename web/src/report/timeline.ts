// The interview by time: who spoke, how long each reply took, which question it was and what level it got.
// The same drawing as in the printable report; its colours come from the style sheet.

import { t } from "../text";
import type { Report } from "./model";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 760;
const HEIGHT = 178;
/** Where the lanes begin: room for their names. */
const LANES_X = 86;
const RIGHT = WIDTH - 10;
/** The longest silence that fits its lane; longer ones touch the top. */
const SILENCE_MAX_MS = 3_000;
const SILENCE_HEIGHT = 40;
const SILENCE_BASE = 136;
/** Minutes between marks: the first that gives a dozen at most. */
const STEPS_MIN = [1, 2, 5, 10, 20, 30, 60];

export function timeline(report: Report): SVGSVGElement | null {
  if (report.timeline.length === 0) return null;
  const endMs = Math.max(1, ...report.timeline.map((turn) => turn.endMs));
  const place = (ms: number): number => LANES_X + (ms / endMs) * (RIGHT - LANES_X);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("class", "timeline");
  svg.setAttribute("aria-label", t.report.timelineLabel(report.timeline.length, Math.round(endMs / 60_000)));
  const rect = (tone: string, x: number, y: number, width: number, height: number): void => {
    shape(svg, "rect", { class: tone, x, y, width: Math.max(0, width), height });
  };
  const words = (tone: string, x: number, y: number, anchor: string, text: string): void => {
    shape(svg, "text", { class: tone, x, y, "text-anchor": anchor }).textContent = text;
  };
  const lanes: [number, string][] = [[22, t.report.questions], [56, t.interviewer], [84, t.candidate], [128, t.report.silence], [168, t.report.minutesLane]];
  for (const [y, name] of lanes) words("tone-soft", 0, y, "start", name);
  for (const question of report.questions) {
    const own = report.timeline.filter((turn) => turn.question === question.number);
    if (own.length === 0) continue;
    const left = place(Math.min(...own.map((turn) => turn.startMs)));
    const right = place(Math.max(...own.map((turn) => turn.endMs)));
    rect(levelTone(question.level), left + 1, 26, right - left - 2, 4);
    words("tone-text", (left + right) / 2, 20, "middle", `${question.number} ${question.level === null ? "–" : `L${question.level}`}`);
  }
  rect("tone-line", LANES_X, SILENCE_BASE, RIGHT - LANES_X, 1);
  for (const turn of report.timeline) {
    const left = place(turn.startMs);
    rect(turn.candidate ? "tone-accent" : "tone-soft", left, turn.candidate ? 74 : 46, Math.max(1, place(turn.endMs) - left), 14);
    if (turn.latencyMs === null || turn.candidate) continue;
    const high = Math.min(1, turn.latencyMs / SILENCE_MAX_MS) * SILENCE_HEIGHT;
    rect("tone-text", left - 1, SILENCE_BASE - high, 2, high);
  }
  words("tone-soft", LANES_X - 6, SILENCE_BASE - SILENCE_HEIGHT + 10, "end", String(SILENCE_MAX_MS / 1000));
  const minutes = endMs / 60_000;
  const step = STEPS_MIN.find((one) => minutes / one <= 12) ?? 60;
  for (let at = 0; at <= minutes; at += step) {
    const x = place(at * 60_000);
    rect("tone-line", x, 150, 1, 5);
    words("tone-soft", x, 168, "middle", String(at));
  }
  return svg;
}

function levelTone(level: number | null): string {
  if (level === null) return "tone-line";
  return level >= 4 ? "tone-good" : level === 3 ? "tone-fair" : "tone-poor";
}

function shape(svg: SVGElement, name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === "number" ? String(Math.round(value * 10) / 10) : value);
  svg.append(element);
  return element;
}
