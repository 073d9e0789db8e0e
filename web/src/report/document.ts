// The whole report on the page: the recommendation and its reason first, then the evidence, then the small print.

import { h, paragraphs } from "../dom";
import { icon, type IconName } from "../icons";
import { clockTime, dateAndTime, levelName, oneDecimal, t } from "../text";
import type { Competency, Report, Score } from "./model";
import { findings, rangeWords, scale, section } from "./parts";
import type { Player } from "./player";
import { questionList, type Change } from "./questions";
import { timeline } from "./timeline";

const TONES: Record<string, [string, IconName]> = {
  strong_yes: ["good", "check-circle"],
  yes: ["good", "check-circle"],
  inconclusive: ["warn", "half"],
  no: ["bad", "cross-circle"],
  strong_no: ["bad", "cross-circle"],
};

export function reportDocument(report: Report, player: Player, change: Change): (HTMLElement | null)[] {
  const { language } = report.interview;
  return [
    summary(report),
    report.summary.strengths.length + report.summary.gaps.length === 0
      ? null
      : h(
          "div",
          { class: "card two-columns" },
          findings(t.report.strengths, "check-circle", t.report.noStrengths, report.summary.strengths, player, language),
          findings(t.report.gaps, "circle", t.report.noGaps, report.summary.gaps, player, language),
        ),
    feedback(report),
    report.questions.length === 0 ? null : section("report-questions", t.report.questions, "", questionList(report.questions, player, language, change)),
    competencies(report),
    chart(report),
    artifacts(report),
    overrides(report),
    h("div", { class: "small-print" }, delivery(report), integrity(report), provenance(report)),
  ];
}

export function reportHeading(report: Report): HTMLElement {
  const { interview } = report;
  const facts = [
    interview.jobPosition,
    interview.level === "" ? "" : levelName(interview.level),
    interview.startTime === "" ? "" : dateAndTime(interview.startTime),
    interview.durationMs === null ? "" : t.report.minutes(Math.max(1, Math.round(interview.durationMs / 60_000))),
  ];
  return h(
    "div",
    {},
    h("p", { class: "eyebrow" }, t.report.title),
    h("h1", {}, interview.title || interview.jobPosition || t.report.title),
    h("p", { class: "soft" }, facts.filter((fact) => fact !== "" && fact !== interview.title).join(" · ")),
  );
}

function summary(report: Report): HTMLElement {
  const { recommendation, why, overall, technical, softSkills } = report.summary;
  const [tone, name] = TONES[recommendation] ?? ["", "half"];
  return h(
    "section",
    { class: "card summary", "aria-label": t.report.recommendation },
    h(
      "div",
      { class: `verdict ${tone}`, testid: "recommendation" },
      h("p", { class: "eyebrow" }, t.report.recommendation),
      h("p", { class: "verdict-word" }, icon(name), t.report.recommendations[recommendation] ?? t.report.recommendations["inconclusive"]),
      recommendation === "inconclusive" ? h("p", { class: "small" }, t.report.inconclusiveHint) : null,
    ),
    h("div", { class: "why" }, why === "" ? null : paragraphs(why), h("dl", { class: "scores" }, scoreRow(t.report.overall, overall), scoreRow(t.report.technical, technical), scoreRow(t.report.softSkills, softSkills))),
  );
}

function scoreRow(name: string, score: Score): HTMLElement {
  return h(
    "div",
    {},
    h("dt", {}, name),
    h(
      "dd",
      {},
      score.score === null
        ? h("span", { class: "soft" }, score.reason || t.report.noEvidence)
        : [
            h("span", { class: "figure" }, oneDecimal(score.score), h("span", { class: "soft small" }, " / 5")),
            scale(score),
            score.interval === null ? null : h("span", { class: "soft small", "aria-hidden": "true" }, rangeWords(score.interval)),
            score.mean === null ? null : h("span", { class: "soft small mean" }, t.report.meanLevel(oneDecimal(score.mean))),
          ],
    ),
  );
}

function feedback(report: Report): HTMLElement | null {
  const { text, topics } = report.feedback;
  if (text === "" && topics.length === 0) return null;
  return section(
    "report-feedback",
    t.report.feedback,
    "",
    h(
      "div",
      { class: "card stack" },
      paragraphs(text),
      topics.length === 0
        ? null
        : h(
            "ul",
            { class: "topics" },
            topics.map((topic) =>
              h(
                "li",
                {},
                h("h3", {}, topic.topic),
                h(
                  "dl",
                  {},
                  topic.right === "" ? null : [h("dt", {}, t.report.topicRight), h("dd", {}, topic.right)],
                  topic.study === "" ? null : [h("dt", {}, t.report.topicStudy), h("dd", {}, topic.study)],
                ),
              ),
            ),
          ),
    ),
  );
}

function competencies(report: Report): HTMLElement | null {
  const list: Competency[] = report.competencies;
  if (list.length === 0) return null;
  return section(
    "report-competencies",
    t.report.competencies,
    "",
    h(
      "div",
      { class: "card table-card" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t.report.competency), h("th", { scope: "col" }, t.report.score), h("th", { scope: "col", class: "number-cell" }, t.report.weight))),
        h(
          "tbody",
          {},
          list.map((one) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, one.name, h("span", { class: "soft small based" }, t.report.basedOn(one.questions))),
              h(
                "td",
                {},
                one.score === null
                  ? h("span", { class: "soft" }, one.reason || t.report.noEvidence)
                  : h("span", { class: "score-cell" }, h("span", { class: "figure" }, oneDecimal(one.score)), scale(one)),
                one.mean === null ? null : h("span", { class: "soft small based" }, t.report.meanLevel(oneDecimal(one.mean))),
              ),
              h("td", { class: "number-cell" }, one.weight === null ? "" : t.report.weightOf(Math.round(one.weight * 100))),
            ),
          ),
        ),
      ),
    ),
    report.method === "" ? null : h("p", { class: "soft small" }, report.method),
  );
}

function chart(report: Report): HTMLElement | null {
  const drawing = timeline(report);
  return drawing === null ? null : section("report-timeline", t.report.timeline, "", h("div", { class: "card chart" }, drawing));
}

function overrides(report: Report): HTMLElement | null {
  if (report.overrides.length === 0) return null;
  return section(
    "report-overrides",
    t.report.overrides,
    t.report.overridesHint,
    h(
      "ul",
      { class: "plain-list", testid: "overrides" },
      report.overrides.map((one) => {
        const question = report.questions.find((other) => other.id === one.questionId);
        const where = question ? t.report.questionNumber(question.number) : one.questionId;
        const when = one.at === "" ? "" : `, ${dateAndTime(one.at)}`;
        return h("li", {}, h("strong", {}, `${where}: ${t.report.changed(one.from, one.to)}`), ` (${one.by}${when})`, h("span", { class: "soft" }, `: ${one.reason}`));
      }),
    ),
  );
}

function artifacts(report: Report): HTMLElement | null {
  if (report.artifacts.length === 0) return null;
  return section(
    "report-artifacts",
    t.report.artifacts,
    "",
    h(
      "div",
      { class: "stack" },
      report.artifacts.map((artifact) => {
        const question = report.questions.find((one) => one.id === artifact.questionId);
        const name = question ? t.report.questionNumber(question.number) : t.report.artifacts;
        return h(
          "figure",
          { class: "card artifact" },
          h("figcaption", {}, h("strong", {}, name), h("span", { class: "chip" }, artifact.language), h("span", { class: "soft small" }, t.report.version(artifact.version))),
          h("pre", { tabindex: "0", role: "region", "aria-label": `${name}, ${artifact.language}` }, h("code", {}, artifact.code)),
        );
      }),
    ),
  );
}

function delivery(report: Report): HTMLElement | null {
  const { delivery } = report;
  const rows: [string, string | null][] = [
    [t.report.turns, delivery.turns === null ? null : String(delivery.turns)],
    [t.report.candidateSpeech, delivery.speechMs === null ? null : clockTime(delivery.speechMs)],
    [
      t.report.gaps_ms,
      delivery.medianMs === null
        ? null
        : [
            t.report.gapMedian(delivery.medianMs),
            delivery.tailMs === null ? "" : t.report.gapTail(95, delivery.tailMs),
            delivery.worstMs === null ? "" : t.report.gapTail(99, delivery.worstMs),
          ]
            .filter(Boolean)
            .join(", "),
    ],
    [t.report.recovered, delivery.recovered === null ? null : String(delivery.recovered)],
    [t.report.damaged, delivery.damaged === null || delivery.damaged === 0 ? null : String(delivery.damaged)],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== null);
  if (known.length === 0 && delivery.note === "") return null;
  return section(
    "report-delivery",
    t.report.delivery,
    t.report.deliveryHint,
    h("dl", { class: "pairs" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    delivery.note === "" ? null : h("p", { class: "soft small" }, delivery.note),
  );
}

function integrity(report: Report): HTMLElement | null {
  if (report.integrity.length === 0) return null;
  return section(
    "report-integrity",
    t.report.integrity,
    t.report.integrityHint,
    h(
      "ul",
      { class: "plain-list" },
      report.integrity.map((one) => {
        const question = report.questions.find((other) => other.id === one.questionId);
        const where = question ? ` (${t.report.questionNumber(question.number)})` : "";
        return h("li", {}, `${t.report.integrityKinds[one.kind] ?? one.kind}${where}`, one.detail === "" ? null : h("span", { class: "soft" }, `: ${one.detail}`));
      }),
    ),
  );
}

function provenance(report: Report): HTMLElement | null {
  if (report.provenance.length === 0) return null;
  return h(
    "details",
    { class: "provenance" },
    h("summary", {}, t.report.provenance),
    h("dl", { class: "pairs" }, report.provenance.map(([name, value]) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, value)))),
  );
}
