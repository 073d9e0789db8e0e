// The front page: what this is, and the few choices an interview needs.

import { createInterview, fetchCategories, Problem, type Category, type NewInterview } from "../api";
import { fill, freshId, h } from "../dom";
import { button, note, select, show, waiting } from "../frame";
import type { Visit } from "../main";
import { forgetInterviews, preference, remember, rememberedInterviews, setPreference } from "../storage";
import { dateAndTime, languageName, levelName, t } from "../text";

/** What is offered as length, in questions; cut to what the subject has. */
const LENGTHS = [3, 5, 8, 12] as const;
const LENGTH_USUAL = 5;
const LEVEL_USUAL = "middle";
const MINUTES_PER_QUESTION = 3;
const NAME_MAX_CHARS = 120;
const OTHER_ROLE = "\u0000other";

export function front(visit: Visit): void {
  const slot = h("div", {}, waiting(t.front.loading));
  show(
    visit.main,
    t.brand,
    h(
      "div",
      { class: "front" },
      h("div", { class: "front-words" }, intro(), howItGoes()),
      h("section", { class: "card front-form", "aria-labelledby": "form-title" }, h("h2", { id: "form-title" }, t.front.form), slot),
    ),
    pastInterviews(),
  );
  void load(visit, slot);
}

async function load(visit: Visit, slot: HTMLElement): Promise<void> {
  try {
    const categories = await fetchCategories(visit.signal);
    if (visit.signal.aborted) return;
    if (categories.length === 0) fill(slot, note("", "info", t.front.none, h("p", {}, t.front.noneHint)));
    else fill(slot, form(visit, categories));
  } catch (error) {
    if (visit.signal.aborted) return;
    fill(slot, loadFailure(error, () => front(visit)));
  }
}

function loadFailure(error: unknown, again: () => void): HTMLElement {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 401 || status === 403) return note("", "info", t.front.invitationOnly);
  const retry = button(t.tryAgain, { icon: "repeat", class: "slim" });
  retry.addEventListener("click", again);
  const words = error instanceof Problem ? error.words : t.problems.server;
  return note("bad", "warning", t.front.failed, h("p", {}, words), h("div", { class: "row" }, retry));
}

function intro(): HTMLElement {
  return h("div", { class: "stack" }, h("h1", {}, t.front.title), h("p", { class: "lead" }, t.front.lead));
}

function howItGoes(): HTMLElement {
  return h(
    "section",
    { "aria-labelledby": "how-title", class: "how" },
    h("h2", { id: "how-title", class: "visually-hidden" }, t.front.howTitle),
    h(
      "ol",
      {},
      t.front.how.map((step, index) =>
        h(
          "li",
          {},
          h("span", { class: "dot", "aria-hidden": "true" }, String(index + 1)),
          h("div", {}, h("h3", {}, step.title), h("p", { class: "soft" }, step.text)),
        ),
      ),
    ),
  );
}

function pastInterviews(): HTMLElement | null {
  const entries = rememberedInterviews();
  if (entries.length === 0) return null;
  const forget = button(t.front.forget, { class: "quiet slim" });
  const section = h(
    "section",
    { class: "past", "aria-labelledby": "past-title", testid: "past" },
    h("div", { class: "row past-head" }, h("h2", { id: "past-title" }, t.front.past), forget),
    h(
      "ul",
      { class: "past-list" },
      entries.map((entry) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: `/report/${entry.id}` },
            h("span", { class: "past-title" }, entry.title || t.report.title),
            h("span", { class: "soft small" }, [levelName(entry.level), dateAndTime(entry.started)].filter(Boolean).join(" · ")),
          ),
        ),
      ),
    ),
  );
  forget.addEventListener("click", () => {
    forgetInterviews();
    section.remove();
  });
  return section;
}

/** A group of radio buttons. */
function radios(
  name: string,
  legend: string,
  layout: "choices" | "segments",
  options: readonly { value: string; name: string; about?: string; off?: boolean }[],
  chosen: string,
  onChange: (value: string) => void,
): HTMLElement {
  return h(
    "fieldset",
    { class: "field" },
    h("legend", { class: "legend" }, legend),
    h(
      "div",
      { class: layout },
      options.map((option) => {
        const input = h("input", {
          type: "radio",
          name,
          value: option.value,
          checked: option.value === chosen,
          disabled: option.off ?? false,
        });
        input.addEventListener("change", () => onChange(option.value));
        return h(
          "label",
          { class: "choice" },
          input,
          h("span", { class: "name" }, option.name),
          option.about ? h("span", { class: "about" }, option.about) : null,
        );
      }),
    ),
  );
}

interface Choice {
  language: string;
  category: Category;
  level: string;
  questions: number;
}

function form(visit: Visit, categories: Category[]): HTMLElement {
  const languages = [...new Set(categories.map((category) => category.language))];
  const wanted = preference("language") ?? navigator.language.slice(0, 2);
  const language = languages.includes(wanted) ? wanted : (languages[0] ?? "en");
  const choice = { language } as Choice;

  const categorySlot = h("div", { class: "field" });
  const detailSlot = h("div", { class: "stack-form" });
  const role = roleField();
  const patience = patienceField();
  const nameId = freshId("name");
  const name = h("input", { id: nameId, class: "input", type: "text", autocomplete: "name", maxlength: NAME_MAX_CHARS });
  const failure = h("div", { "aria-live": "assertive" });
  const start = button(t.front.start, { class: "primary large", icon: "arrow", testid: "start", type: "submit" });

  const chooseCategory = (category: Category): void => {
    choice.category = category;
    const offered = category.levels.filter((level) => level.questions > 0).map((level) => level.level);
    choice.level = [choice.level, LEVEL_USUAL, offered[0]].find((level) => level !== undefined && offered.includes(level)) ?? "";
    role.offer(category.jobPositions);
    drawDetails();
  };
  const drawDetails = (): void => {
    const level = choice.category.levels.find((one) => one.level === choice.level);
    const lengths = lengthsFor(level?.questions ?? 0);
    choice.questions = lengths.includes(choice.questions) ? choice.questions : nearest(lengths, LENGTH_USUAL);
    fill(
      detailSlot,
      radios("level", t.front.level, "segments", choice.category.levels.map((one) => ({
        value: one.level,
        name: levelName(one.level),
        off: one.questions === 0,
      })), choice.level, (value) => {
        choice.level = value;
        drawLengths();
      }),
      lengthSlot,
    );
    drawLengths();
    start.disabled = choice.level === "";
  };
  const lengthSlot = h("div", {});
  const drawLengths = (): void => {
    const level = choice.category.levels.find((one) => one.level === choice.level);
    const lengths = lengthsFor(level?.questions ?? 0);
    if (!lengths.includes(choice.questions)) choice.questions = nearest(lengths, LENGTH_USUAL);
    fill(lengthSlot, radios("length", t.front.length, "segments", lengths.map((n) => ({
      value: String(n),
      name: String(n),
      about: t.front.minutes(n * MINUTES_PER_QUESTION),
    })), String(choice.questions), (value) => {
      choice.questions = Number(value);
    }));
  };
  const chooseLanguage = (code: string): void => {
    choice.language = code;
    const offered = categories.filter((category) => category.language === code);
    const first = offered[0];
    if (first === undefined) return;
    fill(categorySlot, radios("category", t.front.category, "choices", offered.map((category) => ({
      value: category.slug,
      name: category.name,
      about: category.description,
    })), first.slug, (slug) => {
      const category = offered.find((one) => one.slug === slug);
      if (category) chooseCategory(category);
    }));
    chooseCategory(first);
  };

  const element = h(
    "form",
    { class: "stack-form", novalidate: true },
    languages.length > 1
      ? radios("language", t.front.language, "segments", languages.map((code) => ({ value: code, name: languageName(code) })), language, chooseLanguage)
      : h("p", { class: "language-line" }, h("span", { class: "legend" }, t.front.language), h("span", { class: "chip" }, languageName(language))),
    categorySlot,
    role.element,
    detailSlot,
    h("div", { class: "form-grid" }, patience.element, h(
      "div",
      { class: "field" },
      h("label", { for: nameId }, t.front.name, " ", h("span", { class: "soft small" }, `(${t.front.optional})`)),
      name,
      h("span", { class: "hint" }, t.front.nameHint),
    )),
    failure,
    start,
  );
  chooseLanguage(language);

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const wish: NewInterview = {
      category: choice.category.slug,
      level: choice.level,
      language: choice.language,
      job_position: role.value() || choice.category.name,
      questions: choice.questions,
      ...(name.value.trim() === "" ? {} : { candidate_name: name.value.trim() }),
      ...(patience.value() === 1 ? {} : { accommodations: { patience: patience.value() } }),
    };
    setPreference("language", choice.language);
    setPreference("patience", String(patience.value()));
    void create(visit, wish, choice.category.name, start, failure);
  });
  return element;
}

async function create(
  visit: Visit,
  wish: NewInterview,
  categoryName: string,
  start: HTMLButtonElement,
  failure: HTMLElement,
): Promise<void> {
  start.disabled = true;
  start.setAttribute("aria-busy", "true");
  fill(failure);
  try {
    const { interview, token } = await createInterview(wish);
    remember({
      id: interview.id,
      token,
      title: interview.title || `${wish.job_position} · ${categoryName}`,
      category: wish.category,
      level: wish.level,
      started: new Date().toISOString(),
    });
    if (!visit.signal.aborted) visit.go(`/interview/${interview.id}${token === null ? "" : `#token=${token}`}`);
  } catch (error) {
    const barred = error instanceof Problem && (error.status === 401 || error.status === 403);
    const words = barred ? t.front.invitationOnly : error instanceof Problem ? error.words : t.problems.server;
    fill(failure, note("bad", "warning", t.front.createFailed, h("p", {}, words)));
    start.disabled = false;
    start.removeAttribute("aria-busy");
  }
}

/** The role: one of the subject's own, or any other in the person's words. */
function roleField(): { element: HTMLElement; offer(positions: string[]): void; value(): string } {
  const id = freshId("role");
  const otherId = freshId("role-other");
  const { box, field } = select(id, []);
  const other = h("input", { id: otherId, class: "input", type: "text", maxlength: NAME_MAX_CHARS });
  const otherBox = h("div", { class: "field", hidden: true }, h("label", { for: otherId }, t.front.roleOtherLabel), other);
  field.addEventListener("change", () => {
    otherBox.hidden = field.value !== OTHER_ROLE;
    if (!otherBox.hidden) other.focus();
  });
  return {
    element: h("div", { class: "field" }, h("label", { for: id }, t.front.role), box, otherBox),
    offer(positions) {
      fill(
        field,
        positions.map((position) => h("option", { value: position }, position)),
        h("option", { value: OTHER_ROLE }, t.front.roleOther),
      );
      otherBox.hidden = positions.length > 0;
    },
    value: () => (field.value === OTHER_ROLE ? other.value.trim() : field.value),
  };
}

function patienceField(): { element: HTMLElement; value(): number } {
  const id = freshId("patience");
  const { box, field } = select(id, t.front.patienceChoices.map((choice) => ({ value: String(choice.value), label: choice.label })));
  const kept = preference("patience");
  if (kept !== null && t.front.patienceChoices.some((choice) => String(choice.value) === kept)) field.value = kept;
  field.setAttribute("aria-describedby", `${id}-hint`);
  return {
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, t.front.patience),
      box,
      h("span", { class: "hint", id: `${id}-hint` }, t.front.patienceHint),
    ),
    value: () => Number(field.value),
  };
}

function lengthsFor(available: number): number[] {
  const fitting = LENGTHS.filter((n) => n <= available);
  return fitting.length > 0 ? [...fitting] : available > 0 ? [available] : [];
}

function nearest(options: readonly number[], wanted: number): number {
  return options.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best), options[0] ?? wanted);
}
