// What every list of the server needs: a page, a button for the next, words when there is nothing or something is wrong.

import { fetchFile, request } from "../api";
import { fill, h, type Child } from "../dom";
import { button, select, waiting } from "../frame";
import { t } from "../text";
import { saidBy } from "../views/form";
import { text, type Fields } from "./read";

export interface Pages {
  /** What stands below the list: words, and the button for more. */
  foot: HTMLElement;
  /** Begins anew, with this query. */
  load(query: Record<string, string>): Promise<void>;
}

/** A list that grows by pages: `rows` makes elements of an answer, `cursor` names what `next` is given back as. */
export function pages(options: {
  path: string;
  cursor: "before" | "after";
  box: HTMLElement;
  none: string;
  signal: AbortSignal;
  rows(answer: unknown): Child[];
}): Pages {
  const said = h("div", { "aria-live": "polite" });
  const more = button(t.admin.more, { class: "slim", testid: "more" });
  more.hidden = true;
  let turn = 0;
  let query: Record<string, string> = {};
  let next = "";
  const fetchPage = async (first: boolean): Promise<void> => {
    const own = (turn += 1);
    more.disabled = true;
    if (first) fill(said, waiting(t.front.loading));
    try {
      const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
      if (!first) asked.set(options.cursor, next);
      const answer = await request(`${options.path}?${asked}`, { signal: options.signal });
      if (own !== turn || options.signal.aborted) return;
      if (first) fill(options.box);
      const rows = options.rows(answer);
      for (const row of rows) if (row instanceof Node) options.box.append(row);
      const following = answer === null ? null : (answer as Fields)["next"];
      next = typeof following === "string" || typeof following === "number" ? String(following) : "";
      more.hidden = next === "";
      fill(said, first && rows.length === 0 ? h("p", { class: "soft" }, options.none) : null);
    } catch (error) {
      if (own === turn && !options.signal.aborted) fill(said, saidBy(error));
    } finally {
      more.disabled = false;
    }
  };
  more.addEventListener("click", () => void fetchPage(false));
  return {
    foot: h("div", { class: "stack" }, said, more),
    load: (wanted) => {
      query = wanted;
      return fetchPage(true);
    },
  };
}

/** Filters above a list: whenever one changes, `changed` is told all of them. */
export function filters(
  kinds: { name: string; label: string; options?: { value: string; label: string }[]; type?: "search" | "date" }[],
  changed: (query: Record<string, string>) => void,
): HTMLElement {
  const query: Record<string, string> = {};
  let timer = 0;
  const told = (name: string, value: string, wait: number): void => {
    query[name] = value;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => changed({ ...query }), wait);
  };
  return h(
    "div",
    { class: "filters" },
    kinds.map((kind) => {
      const id = `filter-${kind.name}`;
      const label = h("label", { for: id }, kind.label);
      if (kind.options === undefined) {
        const input = h("input", { id, class: "input", type: kind.type ?? "search" });
        input.addEventListener("input", () => told(kind.name, input.value.trim(), 300));
        return h("div", { class: "field" }, label, input);
      }
      const { box, field } = select(id, [{ value: "", label: t.admin.any }, ...kind.options]);
      field.addEventListener("change", () => told(kind.name, field.value, 0));
      return h("div", { class: "field" }, label, box);
    }),
  );
}

export function table(headings: string[], body: HTMLElement, testid: string): HTMLElement {
  const head = h("thead", {}, h("tr", {}, headings.map((heading) => h("th", { scope: "col" }, heading))));
  return h("div", { class: "table-wrap", tabindex: "0" }, h("table", { class: "table", testid }, head, body));
}

export function statusChip(status: string): HTMLElement {
  const tones: Record<string, string> = { active: "accent", paused: "warn", completed: "good", failed: "bad", abandoned: "warn" };
  return h("span", { class: `chip ${tones[status] ?? ""}` }, t.admin.statuses[status] ?? status);
}

/** A button that asks once and says what went wrong. */
export function act(words: string, said: HTMLElement, work: () => Promise<void>, options: { class?: string; testid?: string } = {}): HTMLButtonElement {
  const element = button(words, { class: options.class ?? "slim", ...(options.testid === undefined ? {} : { testid: options.testid }) });
  element.addEventListener("click", () => {
    element.disabled = true;
    fill(said);
    work()
      .catch((error: unknown) => fill(said, saidBy(error)))
      .finally(() => {
        element.disabled = false;
      });
  });
  return element;
}

/** Keeps what the server answers as a file. */
export async function keep(path: string, name: string): Promise<void> {
  const address = URL.createObjectURL(await fetchFile(path));
  h("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

/** The categories, for a filter. */
export async function categoryOptions(signal: AbortSignal): Promise<{ value: string; label: string; id: string; slug: string; language: string }[]> {
  const answer = await request("/categories?all=true", { signal });
  const found = (answer as Fields)["categories"];
  return (Array.isArray(found) ? found : []).map((one: unknown) => ({
    id: text(one, "id"),
    slug: text(one, "slug"),
    language: text(one, "language"),
    value: text(one, "id"),
    label: `${text(one, "name")} (${text(one, "language")})`,
  }));
}
