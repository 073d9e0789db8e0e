// The editor of a category: its names, the instruction for the language model, what its questions measure.

import { request } from "../api";
import type { Visit } from "../main";
import { t } from "../text";
import { area, check, dialog, line } from "./dialog";
import { flag, number, records, text, texts } from "./read";

const words = t.admin.bank;

/** `id`: none for a new one. */
export async function editCategory(visit: Visit, id: string | null, saved: () => void): Promise<void> {
  const category = id === null ? null : await request(`/categories/${id}`, { signal: visit.signal });
  const slug = line(words.slug, text(category, "slug"), id !== null);
  const language = line(t.admin.filter.language, text(category, "language") || "en", id !== null);
  const name = line(words.name, text(category, "name"));
  const description = area(words.description, text(category, "description"), 2);
  const prompted = area(words.prompted, text(category, "system_prompt"), 4);
  const positions = line(words.positions, texts(category, "job_positions").join(", "));
  const known = records(category, "competencies").map((one) => `${text(one, "slug")}, ${text(one, "name")}, ${number(one, "weight") ?? 1}`);
  const competencies = area(words.competencies, known.join("\n"), 4);
  const offered = check(words.offered, !flag(category, "withdrawn"));
  const send = async (): Promise<void> => {
    const json = {
      name: name.value(),
      description: description.value(),
      system_prompt: prompted.value(),
      job_positions: positions.value().split(",").map((one) => one.trim()).filter((one) => one !== ""),
      competencies: competencies.value().split("\n").filter((one) => one.trim() !== "").map(competency),
    };
    if (id === null) await request("/categories", { method: "POST", json: { ...json, slug: slug.value(), language: language.value() } });
    else await request(`/categories/${id}`, { method: "PATCH", json: { ...json, withdrawn: !offered.is() } });
    saved();
  };
  const fields = [slug.element, language.element, name.element, description.element, prompted.element, positions.element, competencies.element];
  dialog(id === null ? words.newCategory : text(category, "name"), visit.signal, [fields, id === null ? null : offered.element], { words: t.account.save, send });
}

/** "slug, name, weight"; a name may have commas of its own. */
function competency(words: string): { slug: string; name: string; weight: number } {
  const parts = words.split(",").map((part) => part.trim());
  const weight = Number(parts.at(-1));
  return { slug: parts[0] ?? "", name: parts.slice(1, -1).join(", "), weight: Number.isFinite(weight) ? weight : 1 };
}
