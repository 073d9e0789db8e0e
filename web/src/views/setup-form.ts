// The form of the front page: the few choices that an interview needs, and its making.

import { createInterview, Problem, type Category, type Mode, type NewInterview } from "../api";
import { fill, freshId, h } from "../dom";
import { button, note, select } from "../frame";
import type { Visit } from "../main";
import { preference, remember, setPreference } from "../storage";
import { languageName, levelName, t } from "../text";

/** What is offered as length, in questions; cut to what the subject has. */
const LENGTHS = [3, 5, 8, 12] as const;
const LENGTH_USUAL = 5;
const LEVEL_USUAL = "middle";
const MINUTES_PER_QUESTION = 3;
const NAME_MAX_CHARS = 120;
const OTHER_ROLE = "\u0000other";

export function setupForm(visit: Visit, categories: Category[]): HTMLElement {
  return new SetupForm(visit, categories).element;
}

class SetupForm {
  readonly element: HTMLElement;
  private readonly languageSlot = h("div", {});
  private readonly categorySlot = h("div", { class: "field" });
  private readonly categoryAbout = h("p", { class: "hint", "aria-live": "polite" });
  private readonly levelSlot = h("div", {});
  private readonly lengthSlot = h("div", {});
  private readonly role = roleField();
  private readonly patience = patienceField();
  private readonly name = h("input", {
    id: freshId("name"),
    class: "input",
    type: "text",
    autocomplete: "name",
    maxlength: NAME_MAX_CHARS,
  });
  private readonly failure = h("div", { "aria-live": "assertive" });
  private readonly start = button(t.front.start, { class: "primary large", icon: "arrow", testid: "start", type: "submit" });
  private mode: Mode;
  private language = "";
  private category: Category | undefined;
  private level = "";
  private questions = LENGTH_USUAL;

  constructor(
    private readonly visit: Visit,
    private readonly categories: Category[],
  ) {
    // Where the server speaks no language that is offered, writing is what is left.
    const spoken = categories.some((category) => category.voice);
    this.mode = spoken && preference("mode") !== "text" ? "voice" : "text";
    const modes = (["voice", "text"] as const).map((mode) => ({ value: mode, name: t.front.modes[mode], about: t.front.modeAbout[mode], off: mode === "voice" && !spoken }));
    this.element = h(
      "form",
      { class: "stack-form", novalidate: true },
      radios("mode", t.front.mode, "segments", modes, this.mode, (mode) => this.chooseMode(mode === "text" ? "text" : "voice")),
      this.languageSlot,
      this.categorySlot,
      this.role.element,
      this.levelSlot,
      this.lengthSlot,
      h("div", { class: "form-grid" }, this.patience.element, this.nameField()),
      this.failure,
      this.start,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
    this.chooseMode(this.mode);
  }

  private chooseMode(mode: Mode): void {
    this.mode = mode;
    this.patience.element.hidden = mode === "text";
    const languages = [...new Set(this.offered().map((category) => category.language))];
    const wanted = this.language || (preference("language") ?? navigator.language.slice(0, 2));
    this.language = languages.includes(wanted) ? wanted : (languages[0] ?? "");
    fill(this.languageSlot, this.languageField(languages));
    this.chooseLanguage(this.language);
  }

  /** What can be asked in this way. */
  private offered(): Category[] {
    return this.categories.filter((category) => this.mode === "text" || category.voice);
  }

  private languageField(languages: string[]): HTMLElement {
    if (languages.length > 1) {
      const options = languages.map((code) => ({ value: code, name: languageName(code) }));
      return radios("language", t.front.language, "segments", options, this.language, (code) => this.chooseLanguage(code));
    }
    return h("p", { class: "language-line" }, h("span", { class: "legend" }, t.front.language), h("span", { class: "chip" }, languageName(this.language)));
  }

  private nameField(): HTMLElement {
    return h(
      "div",
      { class: "field" },
      h("label", { for: this.name.id }, t.front.name, " ", h("span", { class: "soft small" }, `(${t.front.optional})`)),
      this.name,
      h("span", { class: "hint" }, t.front.nameHint),
    );
  }

  private chooseLanguage(code: string): void {
    this.language = code;
    const offered = this.offered().filter((category) => category.language === code);
    const options = offered.map((category) => ({ value: category.slug, name: category.name }));
    fill(
      this.categorySlot,
      radios("category", t.front.category, "choices", options, offered[0]?.slug ?? "", (slug) =>
        this.chooseCategory(offered.find((one) => one.slug === slug)),
      ),
      this.categoryAbout,
    );
    this.chooseCategory(offered[0]);
  }

  private chooseCategory(category: Category | undefined): void {
    this.category = category;
    this.categoryAbout.textContent = category?.description ?? "";
    const levels = category?.levels ?? [];
    const offered = levels.filter((level) => level.questions > 0).map((level) => level.level);
    const kept = [this.level, LEVEL_USUAL, offered[0]].find((level) => level !== undefined && offered.includes(level));
    this.level = kept ?? "";
    this.start.disabled = this.level === "";
    this.role.offer(category?.jobPositions ?? []);
    const options = levels.map((one) => ({ value: one.level, name: levelName(one.level), off: one.questions === 0 }));
    fill(
      this.levelSlot,
      radios("level", t.front.level, "segments", options, this.level, (level) => {
        this.level = level;
        this.drawLengths();
      }),
    );
    this.drawLengths();
  }

  private drawLengths(): void {
    const level = this.category?.levels.find((one) => one.level === this.level);
    const lengths = lengthsFor(level?.questions ?? 0);
    this.questions = nearest(lengths, this.questions);
    const options = lengths.map((n) => ({ value: String(n), name: String(n), about: t.front.minutes(n * MINUTES_PER_QUESTION) }));
    fill(
      this.lengthSlot,
      radios("length", t.front.length, "segments", options, String(this.questions), (n) => {
        this.questions = Number(n);
      }),
    );
  }

  private async submit(): Promise<void> {
    if (this.category === undefined) return;
    const patience = this.patience.value();
    const name = this.name.value.trim();
    setPreference("mode", this.mode);
    setPreference("language", this.language);
    setPreference("patience", String(patience));
    const wish: NewInterview = {
      category: this.category.slug,
      level: this.level,
      language: this.language,
      job_position: this.role.value() || this.category.name,
      questions: this.questions,
      mode: this.mode,
      ...(name === "" ? {} : { candidate_name: name }),
      ...(patience === 1 || this.mode === "text" ? {} : { accommodations: { patience } }),
    };
    await create(this.visit, wish, this.category.name, this.start, this.failure);
  }
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
