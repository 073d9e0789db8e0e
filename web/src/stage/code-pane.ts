// The code of a code question: the editor, saving while one types, and handing in.
// A draft is kept in the tab, so that a reload or a broken line loses nothing.

import { fill, freshId, h, setText } from "../dom";
import type { Editor } from "../editor";
import { button, select } from "../frame";
import { draft, setDraft } from "../storage";
import { t } from "../text";
import type { Question } from "../wire";

/** As much as any interview answer needs, and well below what one data-channel message can carry. */
const CODE_MAX_CHARS = 20_000;
const SAVE_AFTER_MS = 1_000;
const LANGUAGES: readonly [string, string][] = [
  ["python", "Python"],
  ["javascript", "JavaScript"],
  ["typescript", "TypeScript"],
  ["rust", "Rust"],
  ["sql", "SQL"],
  ["java", "Java"],
  ["cpp", "C++"],
  ["go", "Go"],
];

export interface CodeMessage {
  question_id: string;
  language: string;
  content: string;
  final: boolean;
}

interface Outlet {
  interview: string;
  /** True once the server has it. */
  deliver(message: CodeMessage): Promise<boolean>;
  typing(): void;
  notice(level: "info" | "warning" | "error", text: string): void;
}

export function isCodeQuestion(question: Question | null): question is Question {
  return question !== null && (question.kind === "code" || question.starter !== null);
}

export class CodePane {
  readonly element: HTMLElement;
  private readonly host = h("div", { class: "editor-host", testid: "code-editor" });
  private readonly status = h("span", { class: "soft small", role: "status" });
  private readonly languages;
  private readonly languageName = h("span", { class: "chip" });
  private readonly submit = button(t.stage.codeSubmit, { class: "primary slim", icon: "check", testid: "code-submit" });
  private editor: Editor | null = null;
  private question: Question | null = null;
  private language = "";
  private unsaved = false;
  private timer = 0;
  /** Counts saves, so that a late answer to an older one does not call newer code saved. */
  private saves = 0;

  constructor(private readonly outlet: Outlet) {
    const id = freshId("code-language");
    this.languages = select(id, LANGUAGES.map(([value, label]) => ({ value, label })));
    this.languages.field.addEventListener("change", () => {
      this.language = this.languages.field.value;
      this.editor?.setLanguage(this.language);
      this.changed();
    });
    this.submit.addEventListener("click", () => void this.handIn());
    this.element = h(
      "section",
      { class: "card code-pane", "aria-label": t.stage.code, hidden: true },
      h(
        "div",
        { class: "code-head" },
        h("h2", {}, t.stage.code),
        h("label", { class: "visually-hidden", for: id }, t.stage.codeLanguage),
        this.languages.box,
        this.languageName,
      ),
      this.host,
      h("div", { class: "code-foot" }, h("p", { class: "soft small" }, t.stage.codeHint), this.status, this.submit),
    );
  }

  /** Shows the question's editor, or puts the pane away for a question without code. */
  async show(question: Question | null): Promise<void> {
    if (question?.id === this.question?.id) return;
    if (this.question !== null && this.unsaved) void this.save(false);
    window.clearTimeout(this.timer);
    this.unsaved = false;
    this.question = isCodeQuestion(question) ? question : null;
    this.element.hidden = this.question === null;
    if (this.question === null) return;
    const shown = this.question;
    this.language = shown.codeLanguage && shown.codeLanguage !== "any" ? shown.codeLanguage : (LANGUAGES[0]?.[0] ?? "");
    // A question that names its language leaves no choice.
    const open = shown.codeLanguage === null || shown.codeLanguage === "any";
    this.languages.box.hidden = !open;
    this.languages.field.value = this.language;
    this.languageName.hidden = open;
    setText(this.languageName, LANGUAGES.find(([value]) => value === this.language)?.[1] ?? this.language);
    setText(this.status, "");
    const content = draft(this.outlet.interview, shown.id) ?? shown.starter ?? "";
    const editor = await this.ready(content);
    if (this.question?.id !== shown.id) return;
    editor.setLanguage(this.language);
    editor.setContent(content);
  }

  /** The line is back: what may not have arrived goes again. */
  resend(): void {
    if (this.question !== null && this.unsaved) void this.save(false);
  }

  private async ready(content: string): Promise<Editor> {
    if (this.editor !== null) return this.editor;
    fill(this.host, h("p", { class: "soft editor-wait" }, t.stage.codeLoading));
    const options = {
      host: this.host,
      label: t.stage.code,
      language: this.language,
      content,
      maxChars: CODE_MAX_CHARS,
      onChange: () => this.changed(),
      onSubmit: () => void this.handIn(),
      onTooLong: () => this.outlet.notice("warning", t.stage.codeTooLong),
    };
    try {
      const { createEditor } = await import("./../editor");
      if (this.editor === null) {
        fill(this.host);
        this.editor = createEditor(options);
      }
    } catch {
      this.outlet.notice("warning", t.stage.codeFailed);
      fill(this.host);
      this.editor = plainEditor(options);
    }
    return this.editor;
  }

  private changed(): void {
    if (this.question === null || this.editor === null) return;
    this.unsaved = true;
    setDraft(this.outlet.interview, this.question.id, this.editor.content());
    setText(this.status, t.stage.codeUnsaved);
    this.outlet.typing();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.save(false), SAVE_AFTER_MS);
  }

  private async handIn(): Promise<void> {
    window.clearTimeout(this.timer);
    const delivered = await this.save(true);
    if (!delivered) this.outlet.notice("error", t.stage.notDone);
  }

  private async save(final: boolean): Promise<boolean> {
    const { question, editor } = this;
    if (question === null || editor === null) return false;
    const mine = ++this.saves;
    setText(this.status, t.stage.codeSaving);
    const delivered = await this.outlet.deliver({
      question_id: question.id,
      language: this.language,
      content: editor.content(),
      final,
    });
    if (mine !== this.saves || this.question?.id !== question.id) return delivered;
    this.unsaved = !delivered;
    setText(this.status, !delivered ? t.stage.codeUnsaved : final ? t.stage.codeSubmitted : t.stage.codeSaved);
    return delivered;
  }
}

/** A plain field, for when the editor's file could not be fetched. */
function plainEditor(options: {
  host: HTMLElement;
  label: string;
  content: string;
  maxChars: number;
  onChange(content: string): void;
}): Editor {
  const field = h("textarea", { class: "input plain-editor", "aria-label": options.label, maxlength: options.maxChars, spellcheck: "false" });
  field.value = options.content;
  field.addEventListener("input", () => options.onChange(field.value));
  options.host.append(field);
  return {
    content: () => field.value,
    setContent: (content) => {
      field.value = content;
    },
    setLanguage: () => undefined,
  };
}
