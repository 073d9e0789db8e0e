// The small parts of a report: a score on its scale, a quote that can be heard, a finding with its evidence.

import { h } from "../dom";
import { icon, type IconName } from "../icons";
import { clockTime, oneDecimal, t } from "../text";
import type { Finding, Quote, Score } from "./model";
import type { Player } from "./player";

const SCALE_MIN = 1;
const SCALE_MAX = 5;

export function percent(value: number): number {
  return (Math.min(SCALE_MAX, Math.max(SCALE_MIN, value)) - SCALE_MIN) * (100 / (SCALE_MAX - SCALE_MIN));
}

/** A score as a point with its likely range; the same in words for those who do not see it. */
export function scale(score: Score): HTMLElement {
  const track = h("span", { class: "track" });
  for (let step = SCALE_MIN; step <= SCALE_MAX; step += 1) {
    const tick = h("span", { class: "tick" });
    tick.style.setProperty("--at", `${percent(step)}%`);
    track.append(tick);
  }
  if (score.interval !== null) {
    const band = h("span", { class: "band" });
    band.style.setProperty("--from", `${percent(score.interval[0])}%`);
    band.style.setProperty("--to", `${percent(score.interval[1])}%`);
    track.append(band);
  }
  if (score.score !== null) {
    const point = h("span", { class: "point" });
    point.style.setProperty("--at", `${percent(score.score)}%`);
    track.append(point);
  }
  return h("span", { class: "scale", role: "img", "aria-label": scoreWords(score) }, track);
}

export function scoreWords(score: Score): string {
  if (score.score === null) return score.reason || t.report.noEvidence;
  const words = t.report.outOf(oneDecimal(score.score));
  return score.interval === null ? words : `${words}, ${rangeWords(score.interval)}`;
}

export function rangeWords(interval: [number, number]): string {
  return t.report.likely(oneDecimal(interval[0]), oneDecimal(interval[1]));
}

/** A quote; what was spoken is a button that plays its moment, what was written has none to hear. */
export function quoteButton(quote: Quote, player: Player, language: string): HTMLElement {
  const words = h("span", { class: "quote-words", lang: language }, `“${quote.text}”`);
  const silent = quote.endMs !== null && quote.startMs !== null && quote.endMs <= quote.startMs;
  if (quote.startMs === null || silent) return h("blockquote", { class: "quote" }, words);
  const startMs = quote.startMs;
  const time = clockTime(startMs);
  const element = h(
    "button",
    { type: "button", class: "quote", testid: "quote", "aria-pressed": "false", title: t.report.playQuote(time) },
    h("span", { class: "quote-play" }, icon("play"), h("span", { class: "visually-hidden" }, t.report.playQuote(time)), h("span", { "aria-hidden": "true" }, time)),
    words,
  );
  element.addEventListener("click", () => void player.play(element, startMs, quote.endMs));
  return element;
}

export function findings(title: string, name: IconName, none: string, items: Finding[], player: Player, language: string): HTMLElement {
  return h(
    "section",
    { class: "findings" },
    h("h2", {}, icon(name), title),
    items.length === 0
      ? h("p", { class: "soft" }, none)
      : h("ul", {}, items.map((item) => h("li", {}, h("p", {}, item.text), item.quote === null ? null : quoteButton(item.quote, player, language)))),
  );
}

/** A section of the report, or nothing where there is nothing to show. */
export function section(id: string, title: string, hint: string, ...content: (Node | null)[]): HTMLElement {
  return h(
    "section",
    { class: "report-section", "aria-labelledby": id },
    h("h2", { id }, title),
    hint === "" ? null : h("p", { class: "soft section-hint" }, hint),
    content,
  );
}
