// An official interview is made: what about, at which level, how long; candidates are invited on its page.

import { request } from "../api";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { choice, dialog, line } from "./dialog";
import { categoryOptions } from "./pages";
import { text } from "./read";

const words = t.admin.schedule;
const LEVELS = ["junior", "middle", "senior"];
const QUESTIONS_USUAL = "6";

export async function schedule(visit: Visit): Promise<void> {
  const categories = await categoryOptions(visit.signal);
  if (visit.signal.aborted) return;
  const category = choice(t.admin.filter.category, categories[0]?.id ?? "", categories.map(({ id, label }) => ({ value: id, label })));
  const level = choice(t.admin.filter.level, "middle", LEVELS.map((value) => ({ value, label: levelName(value) })));
  const mode = choice(words.mode, "voice", ["voice", "text"].map((value) => ({ value, label: words.modes[value] ?? value })));
  const questions = line(words.questions, QUESTIONS_USUAL);
  const title = line(words.name, "");
  const position = line(words.position, "");
  dialog(words.title, visit.signal, [category.element, level.element, mode.element, questions.element, title.element, position.element], {
    words: words.make,
    send: async () => {
      const chosen = categories.find(({ id }) => id === category.value());
      const json = {
        category: chosen?.slug ?? "",
        language: chosen?.language ?? "",
        level: level.value(),
        mode: mode.value(),
        purpose: "official",
        questions: Number(questions.value()),
        ...(title.value() === "" ? {} : { title: title.value() }),
        ...(position.value() === "" ? {} : { job_position: position.value() }),
      };
      const made = await request("/interviews", { method: "POST", json });
      visit.go(`/admin/interviews/${text(made, "id")}`);
    },
  });
}
