// The question bank: found by filters, changed in bulk, exchanged as files; the editor of one question opens from here.

import { account } from "../account/session";
import { request, upload } from "../api";
import { fill, h } from "../dom";
import { note, select } from "../frame";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { editCategory } from "./category";
import { drafts } from "./drafts";
import { act, categoryOptions, filters, keep, pages, table, type Pages } from "./pages";
import { editQuestion } from "./question";
import { flag, number, record, records, text, texts, type Fields } from "./read";

const words = t.admin.bank;
const LEVELS = ["junior", "middle", "senior"];
const PAGE = "25";

export function bankPart(visit: Visit, slot: HTMLElement): void {
  const isAdmin = account()?.role === "admin";
  const said = h("div", { "aria-live": "polite" });
  const bar = h("div", {});
  const acts = h("div", { class: "row" }, h("p", { class: "soft" }, words.chooseCategory));
  const box = h("tbody", {});
  const picked = new Set<string>();
  const bulk = h("div", { class: "row", testid: "bulk" });
  let query: Record<string, string> = {};
  const reload = (): void => {
    picked.clear();
    drawBulk();
    void pager.load({ ...query, limit: PAGE });
  };
  const row = (one: Fields): HTMLElement => questionRow(one, isAdmin, (is) => {
    if (is) picked.add(text(one, "id"));
    else picked.delete(text(one, "id"));
    drawBulk();
  }, () => void editQuestion(visit, { row: one, isAdmin, saved: reload }));
  const pager: Pages = pages({ path: "/questions", cursor: "after", box, none: t.admin.none, signal: visit.signal, rows: (answer) => records(answer, "questions").map(row) });
  const drawBulk = (): void => fill(bulk, picked.size === 0 ? null : bulkForm([...picked], said, reload));
  const columns = [words.columns.pick, words.columns.question, words.columns.level, words.columns.kind, words.columns.difficulty, words.columns.version];
  slot.append(h("section", { class: "card stack" }, h("h2", {}, t.admin.tabs["bank"]), bar, acts, said, bulk, table(columns, box, "questions"), pager.foot));
  if (isAdmin) slot.append(drafts(visit, reload));

  const changed = (wanted: Record<string, string>): void => {
    query = wanted;
    fill(said);
    const category = wanted["category"] ?? "";
    fill(acts, category === "" ? [h("p", { class: "soft" }, words.chooseCategory), isAdmin ? newCategory() : null] : categoryActs(visit, category, isAdmin, said, reload));
    reload();
  };
  const newCategory = (): HTMLElement => act(words.newCategory, said, () => editCategory(visit, null, () => void drawFilters()), { testid: "new-category" });
  const drawFilters = async (): Promise<void> => {
    const named = (names: readonly string[], label: (name: string) => string): { value: string; label: string }[] => names.map((value) => ({ value, label: label(value) }));
    const categories = await categoryOptions(visit.signal).catch(() => []);
    if (visit.signal.aborted) return;
    fill(
      bar,
      filters(
        [
          { name: "search", label: t.admin.filter.search },
          { name: "category", label: t.admin.filter.category, options: categories },
          { name: "level", label: t.admin.filter.level, options: named(LEVELS, levelName) },
          { name: "kind", label: words.kind, options: named(Object.keys(words.kinds), (one) => words.kinds[one] ?? one) },
          { name: "withdrawn", label: words.state, options: [{ value: "true", label: words.withdrawn }] },
        ],
        changed,
      ),
    );
  };
  void drawFilters();
  changed({});
}

function questionRow(one: Fields, isAdmin: boolean, pick: (is: boolean) => void, open: () => void): HTMLElement {
  const question = record(one, "question");
  const box = h("input", { type: "checkbox", "aria-label": `${words.columns.pick}: ${text(question, "key")}`, disabled: !isAdmin || !flag(one, "current") });
  box.addEventListener("change", () => pick(box.checked));
  const title = h("button", { type: "button", class: "link-button" }, text(question, "prompt"));
  title.addEventListener("click", open);
  return h(
    "tr",
    {},
    h("td", {}, box),
    h("td", {}, title, " ", h("span", { class: "soft small" }, `${text(question, "key")} (${text(one, "language")})`)),
    h("td", {}, levelName(text(question, "level"))),
    h("td", {}, words.kinds[text(question, "kind")] ?? ""),
    h("td", {}, String(number(question, "difficulty") ?? "")),
    h("td", {}, String(number(one, "version") ?? "")),
  );
}

function bulkForm(ids: string[], said: HTMLElement, done: () => void): HTMLElement[] {
  const unchanged = { value: "", label: words.unchanged };
  const level = select("bulk-level", [unchanged, ...LEVELS.map((value) => ({ value, label: levelName(value) }))]);
  level.field.setAttribute("aria-label", t.admin.filter.level);
  const difficulty = select("bulk-difficulty", [unchanged, ...[1, 2, 3, 4, 5].map((n) => ({ value: String(n), label: String(n) }))]);
  difficulty.field.setAttribute("aria-label", words.difficulty);
  const send = async (change: Record<string, unknown>): Promise<void> => {
    await request("/questions/bulk", { method: "POST", json: { ids, ...change } });
    done();
  };
  const apply = act(words.apply, said, () =>
    send({ ...(level.field.value === "" ? {} : { level: level.field.value }), ...(difficulty.field.value === "" ? {} : { difficulty: Number(difficulty.field.value) }) }),
  );
  const withdraw = act(words.withdraw, said, () => send({ withdrawn: true }), { class: "danger slim" });
  return [h("span", {}, words.picked(ids.length)), level.box, difficulty.box, apply, withdraw];
}

function categoryActs(visit: Visit, id: string, isAdmin: boolean, said: HTMLElement, reload: () => void): HTMLElement[] {
  const path = `/categories/${id}/questions`;
  const file = h("input", { type: "file", accept: ".json,.csv,application/json,text/csv", class: "visually-hidden", "aria-label": words.importFile, testid: "import" });
  file.addEventListener("change", () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (chosen === undefined) return;
    const kind = chosen.name.toLowerCase().endsWith(".csv") ? "text/csv" : "application/json";
    upload(path, kind, chosen).then(
      (done) => {
        fill(said, note("", "check", words.imported(texts(done, "created").length, texts(done, "changed").length, texts(done, "unchanged").length)));
        reload();
      },
      (error: unknown) => fill(said, note("bad", "warning", error instanceof Error ? error.message : "")),
    );
  });
  const choose = act(words.importFile, said, async () => file.click());
  const exports = [
    act(words.exportJson, said, () => keep(`${path}?format=json`, "questions.json")),
    act(words.exportCsv, said, () => keep(`${path}?format=csv`, "questions.csv")),
  ];
  if (!isAdmin) return exports;
  const add = act(words.newQuestion, said, () => editQuestion(visit, { row: null, category: id, isAdmin, saved: reload }), { class: "primary slim", testid: "new-question" });
  return [add, act(words.editCategory, said, () => editCategory(visit, id, reload)), ...exports, choose, file];
}
