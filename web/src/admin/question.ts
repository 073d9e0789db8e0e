// The editor of one question: what is said becomes a new version; older ones stay for the interviews that asked them.

import { request } from "../api";
import { fill, h } from "../dom";
import { button, note } from "../frame";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { area, check, choice, dialog, line } from "./dialog";
import { act } from "./pages";
import { flag, number, record, records, text, texts, type Fields } from "./read";

const words = t.admin.bank;
const LEVELS = ["junior", "middle", "senior"];
/** What has no fields of its own here. */
const REST = ["twin", "code", "misconceptions", "probes", "anchors"] as const;

interface Task {
  /** The question; none: a new one. */
  row: Fields | null;
  /** Of a new one. */
  category?: string;
  isAdmin: boolean;
  saved(): void;
}

export async function editQuestion(visit: Visit, task: Task): Promise<void> {
  const row = task.row === null ? null : await request(`/questions/${text(task.row, "id")}`, { signal: visit.signal });
  const categoryId = task.category ?? text(row, "category_id");
  const category = await request(`/categories/${categoryId}`, { signal: visit.signal });
  const question = record(row, "question");
  const isNew = row === null;
  const key = line(words.key, isNew ? `${text(category, "slug")}.` : text(question, "key"), !isNew);
  const prompt = area(words.prompt, text(question, "prompt"), 2);
  const rephrased = area(words.rephrased, text(question, "rephrased"), 2);
  const expected = area(words.expected, text(question, "reference_answer"), 4);
  const level = choice(t.admin.filter.level, text(question, "level") || "junior", LEVELS.map((value) => ({ value, label: levelName(value) })));
  const kind = choice(words.kind, text(question, "kind") || "explain", Object.entries(words.kinds).map(([value, label]) => ({ value, label })));
  const competencies = records(category, "competencies").map((one) => ({ value: text(one, "slug"), label: text(one, "name") }));
  const competency = choice(words.competency, text(question, "competency") || (competencies[0]?.value ?? ""), competencies);
  const difficulty = choice(words.difficulty, String(number(question, "difficulty") ?? 3), [1, 2, 3, 4, 5].map((n) => ({ value: String(n), label: String(n) })));
  const timeBox = line(words.timeBox, String(number(question, "time_box_s") ?? ""));
  const anchor = check(words.anchor, flag(question, "anchor"));
  const points = keyPoints(records(question, "key_points"));
  const rest = area(words.rest, isNew ? "" : JSON.stringify(Object.fromEntries(REST.filter((name) => name in question).map((name) => [name, question[name]])), null, 2), 6);

  const send = async (): Promise<void> => {
    const draft: Record<string, unknown> = {
      ...(rest.value() === "" ? {} : (JSON.parse(rest.value()) as Fields)),
      key: key.value(),
      competency: competency.value(),
      level: level.value(),
      kind: kind.value(),
      difficulty: Number(difficulty.value()),
      anchor: anchor.is(),
      prompt: prompt.value(),
      reference_answer: expected.value(),
      key_points: points.value(),
      ...(rephrased.value() === "" ? {} : { rephrased: rephrased.value() }),
      ...(timeBox.value() === "" ? {} : { time_box_s: Number(timeBox.value()) }),
    };
    if (isNew) await request("/questions", { method: "POST", json: { category: categoryId, question: draft } });
    else await request(`/questions/${text(row, "id")}`, { method: "PUT", json: draft });
    task.saved();
  };
  const advice = texts(row, "advice");
  const said = h("div", {});
  const back = async (): Promise<void> => {
    await request(`/questions/${text(row, "id")}/restore`, { method: "POST" });
    task.saved();
    element.close();
  };
  const isCurrent = isNew || flag(row, "current");
  const element = dialog(
    isNew ? words.newQuestion : `${text(question, "key")}, ${words.columns.version} ${number(row, "version") ?? ""}`,
    visit.signal,
    [
      flag(row, "key_points_derived") ? note("", "info", words.derived) : null,
      advice.length === 0 ? null : h("details", {}, h("summary", {}, `${words.advice} (${advice.length})`), h("ul", {}, advice.map((one) => h("li", {}, one)))),
      key.element,
      prompt.element,
      rephrased.element,
      expected.element,
      h("div", { class: "filters" }, level.element, kind.element, competency.element, difficulty.element, timeBox.element),
      anchor.element,
      points.element,
      h("details", {}, h("summary", {}, words.rest), rest.element),
      said,
    ],
    task.isAdmin && isCurrent ? { words: isNew ? words.add : words.save, send } : null,
    task.isAdmin && !isCurrent ? [act(words.restore, said, back)] : [],
  );
}

function keyPoints(known: Fields[]): { element: HTMLElement; value(): unknown[] } {
  const box = h("div", { class: "stack" });
  const rows: { read(): unknown | null }[] = [];
  const add = (point: Fields): void => {
    const statement = area(words.statement, text(point, "statement"), 2);
    const weight = line(words.weight, String(number(point, "weight") ?? 1));
    const must = check(words.must, point["must"] !== false);
    const ways = area(words.ways, texts(point, "paraphrases").join("\n"), 2);
    const remove = button(words.removePoint, { class: "quiet slim" });
    const element = h("fieldset", { class: "key-point" }, statement.element, h("div", { class: "filters" }, weight.element, must.element), ways.element, remove);
    const row = {
      read: () =>
        statement.value() === ""
          ? null
          : {
              id: text(point, "id") || slug(statement.value()),
              statement: statement.value(),
              weight: Number(weight.value()),
              must: must.is(),
              paraphrases: ways.value().split("\n").map((way) => way.trim()).filter((way) => way !== ""),
              terms: texts(point, "terms"),
            },
    };
    rows.push(row);
    remove.addEventListener("click", () => {
      rows.splice(rows.indexOf(row), 1);
      element.remove();
    });
    box.append(element);
  };
  known.forEach(add);
  const more = button(words.addPoint, { class: "slim" });
  more.addEventListener("click", () => add({}));
  const element = h("div", { class: "stack" });
  fill(element, h("h3", {}, words.keyPoints), h("p", { class: "soft small" }, words.keyPointsHint), box, more);
  return { element, value: () => rows.map((row) => row.read()).filter((point) => point !== null) };
}

/** A name for a key point out of its words: the bank wants lower case letters, digits and hyphens. */
function slug(statement: string): string {
  const plain = statement.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return plain === "" ? `point-${Date.now()}` : plain.replace(/-+$/, "");
}
