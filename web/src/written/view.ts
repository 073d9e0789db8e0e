// A written interview: the question, a box for the answer, feedback, and the next. It shows what the server says and
// sends what the person wants; it must never guess the course of the interview.

import type { Interview } from "../api";
import { fill, freshId, h, setText } from "../dom";
import { button, note, show } from "../frame";
import type { Visit } from "../main";
import { CodePane, isCodeQuestion, type CodeMessage } from "../stage/code-pane";
import { draft, setDraft } from "../storage";
import { t } from "../text";
import { toast } from "../toasts";
import { FeedbackCard } from "./feedback";
import { WrittenLine } from "./line";
import type { FromServer, Said, WrittenState } from "./model";

/** As the server takes it. */
const ANSWER_BYTES_MAX = 10_000;
const DRAFT_NAME = "answer";

export function written(visit: Visit, interview: Interview, token: string | null): void {
  new Written(visit, interview, token).begin();
}

class Written {
  private readonly line: WrittenLine;
  private readonly banner = h("div", { class: "banner", "aria-live": "assertive" });
  private readonly progress = h("p", { class: "soft small", testid: "progress" });
  private readonly question = h("section", { class: "question", "aria-live": "polite", "aria-label": t.stage.question, testid: "question" });
  private readonly field: HTMLTextAreaElement;
  private readonly sendButton = button(t.written.send, { class: "primary", icon: "arrow", testid: "answer-send", type: "submit" });
  private readonly counter = h("span", { class: "soft small", role: "status" });
  private readonly skip = button(t.stage.skip, { icon: "skip", testid: "btn-skip" });
  private readonly rephrase = button(t.written.rephrase, { icon: "repeat", testid: "btn-rephrase" });
  private readonly pause = button(t.stage.pause, { icon: "pause", testid: "btn-pause" });
  private readonly end = button(t.stage.end, { class: "danger", icon: "stop", testid: "btn-end" });
  private readonly answerForm: HTMLElement;
  private readonly history = h("ol", { class: "written-history", role: "log", "aria-label": t.stage.captions, testid: "captions" });
  private readonly codePane: CodePane;
  private readonly endDialog: HTMLDialogElement;
  private readonly cards = new Map<string, FeedbackCard>();
  private state: WrittenState | null = null;
  private connected = false;
  /** An answer that is on its way: the line that it replies to. */
  private sent: { replyTo: number; text: string | null } | null = null;
  /** Code that is on its way: told once a step or a problem comes. */
  private codeSent: ((delivered: boolean) => void)[] = [];

  constructor(
    private readonly visit: Visit,
    private readonly interview: Interview,
    token: string | null,
  ) {
    const id = freshId("answer");
    this.field = h("textarea", { id, class: "input answer", rows: 7, testid: "answer-input", lang: interview.language, "aria-describedby": `${id}-hint` });
    this.answerForm = h(
      "form",
      { class: "answer-form" },
      h("label", { for: id, class: "legend" }, t.written.answer),
      this.field,
      h("div", { class: "row answer-foot" }, h("span", { class: "hint", id: `${id}-hint` }, t.written.sendHint), this.counter, this.sendButton),
    );
    this.endDialog = this.makeEndDialog();
    this.codePane = new CodePane({
      interview: interview.id,
      deliver: (message) => this.deliver(message),
      typing: () => undefined,
      notice: toast,
    });
    this.line = new WrittenLine(interview.id, token, {
      message: (message) => this.onMessage(message),
      connected: (connected) => this.onConnected(connected),
    });
  }

  begin(): void {
    const { visit } = this;
    this.listen();
    show(
      visit.main,
      this.interview.title || t.stage.title,
      h(
        "div",
        { class: "written", testid: "written" },
        h("h1", { class: "visually-hidden" }, this.interview.title || t.stage.title),
        this.banner,
        h(
          "div",
          { class: "card written-card" },
          this.progress,
          this.question,
          this.codePane.element,
          this.answerForm,
          h("div", { class: "controls", role: "group", "aria-label": t.stage.controls }, this.rephrase, this.skip, this.pause, this.end),
        ),
        h("section", { class: "written-past", "aria-label": t.stage.captions }, h("h2", {}, t.stage.captions), this.history),
        this.endDialog,
      ),
    );
    this.field.value = draft(this.interview.id, DRAFT_NAME) ?? "";
    this.draw();
    visit.signal.addEventListener("abort", () => this.line.close());
    void this.line.open();
  }

  private listen(): void {
    this.answerForm.addEventListener("submit", (event) => {
      event.preventDefault();
      this.answer();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.answer();
      }
    });
    this.field.addEventListener("input", () => {
      setDraft(this.interview.id, DRAFT_NAME, this.field.value);
      this.draw();
    });
    this.skip.addEventListener("click", () => this.wish("skip"));
    this.rephrase.addEventListener("click", () => this.wish("rephrase"));
    this.pause.addEventListener("click", () => this.wish(this.state?.phase === "paused" ? "resume" : "pause"));
    this.end.addEventListener("click", () => this.endDialog.showModal());
  }

  private answer(): void {
    const text = this.field.value.trim();
    if (text === "" || this.sendButton.disabled || this.state === null) return;
    const replyTo = this.state.lastLine;
    if (this.line.send({ type: "answer", reply_to: replyTo, text })) this.sent = { replyTo, text };
    this.draw();
  }

  private wish(wish: "skip" | "rephrase" | "pause" | "resume" | "end"): void {
    if (this.state === null) return;
    const replyTo = this.state.lastLine;
    if (this.line.send({ type: "wish", reply_to: replyTo, wish })) this.sent = { replyTo, text: null };
    this.draw();
  }

  private deliver(message: CodeMessage): Promise<boolean> {
    const { question_id, language, content } = message;
    return new Promise((resolve) => {
      if (this.line.send({ type: "code", question_id, language, content, submitted: message.final })) this.codeSent.push(resolve);
      else resolve(false);
    });
  }

  private onConnected(connected: boolean): void {
    this.connected = connected;
    if (!connected) for (const tell of this.codeSent.splice(0)) tell(false);
    fill(this.banner, connected ? null : note("warn", "warning", t.written.reconnecting));
    this.draw();
  }

  private onMessage(message: FromServer): void {
    switch (message.type) {
      case "state":
        return this.onState(message);
      case "step":
        this.codeSent.shift()?.(true);
        this.taken(message.state);
        for (const said of message.said) this.remember(said);
        return this.follow(message.state);
      case "feedback_begun":
        return this.card(message.questionId).element.scrollIntoView({ block: "nearest" });
      case "feedback_point":
        return this.card(message.questionId).add(message.point);
      case "feedback":
        return this.card(message.feedback.questionId).whole(message.feedback);
      case "feedback_failed":
        return this.card(message.questionId).failed();
      case "problem":
        return this.onProblem(message.status, t.problems.said(message.detail));
    }
  }

  /** Where things stand, when the line opens (again). */
  private onState(message: Extract<FromServer, { type: "state" }>): void {
    if (message.state.phase === "connecting") {
      this.line.send({ type: "begin" });
      return;
    }
    this.taken(message.state);
    this.sent = null;
    fill(this.history);
    this.cards.clear();
    for (const said of message.conversation) this.remember(said);
    for (const feedback of message.feedback) this.card(feedback.questionId).whole(feedback);
    this.follow(message.state);
    this.codePane.resend();
  }

  /** What was on its way is taken once the interviewer has said something to it. */
  private taken(state: WrittenState): void {
    const { sent } = this;
    if (sent === null || sent.replyTo === state.lastLine) return;
    if (sent.text !== null) {
      this.remember({ who: "user", text: sent.text, kind: "" });
      if (this.field.value.trim() === sent.text) this.field.value = "";
      setDraft(this.interview.id, DRAFT_NAME, this.field.value);
    }
    this.sent = null;
  }

  private onProblem(status: number, detail: string): void {
    this.codeSent.shift()?.(false);
    this.sent = null;
    if (status === 409 || status === 410) this.line.send({ type: "state" });
    toast("warning", detail || t.problems.server);
    this.draw();
  }

  private follow(state: WrittenState): void {
    const before = this.state?.question?.text;
    this.state = state;
    this.draw();
    if (state.phase === "ended") return this.finish();
    if (state.question !== null && state.question.text !== before) this.field.focus({ preventScroll: before === undefined });
  }

  private draw(): void {
    const { state } = this;
    const question = state?.question ?? null;
    const open = this.connected && state?.phase === "asking" && this.sent === null;
    if (question !== null) {
      setText(this.progress, `${t.written.progress(question.number, question.of)} · ${t.stage.remainingWords(Math.floor((state?.remainingMs ?? 0) / 60_000))}`);
      if (this.question.textContent !== question.text) fill(this.question, h("p", { class: "question-text", lang: this.interview.language, testid: "question-text" }, question.text));
    }
    if (state?.phase === "paused") fill(this.question, h("p", { class: "lead", testid: "paused" }, t.written.paused));
    const bytes = new TextEncoder().encode(this.field.value).length;
    setText(this.counter, bytes > ANSWER_BYTES_MAX ? t.written.tooLong : "");
    this.answerForm.hidden = state?.phase === "paused";
    this.sendButton.disabled = !open || this.field.value.trim() === "" || bytes > ANSWER_BYTES_MAX;
    this.skip.disabled = this.rephrase.disabled = !open;
    this.pause.disabled = !this.connected || state === null || state.phase === "connecting" || state.phase === "ended";
    this.end.disabled = !this.connected || state === null || state.phase === "ended";
    const words = this.pause.querySelector("span");
    if (words) setText(words, state?.phase === "paused" ? t.stage.resume : t.stage.pause);
    void this.codePane.show(state?.phase === "asking" && isCodeQuestion(question) ? question : null);
  }

  private remember(said: Said): void {
    const who = said.who === "user" ? t.you : t.interviewer;
    this.history.append(h("li", { class: `entry ${said.who}` }, h("span", { class: "soft small" }, who), h("p", { lang: this.interview.language }, said.text)));
  }

  private card(questionId: string): FeedbackCard {
    const known = this.cards.get(questionId);
    if (known !== undefined) return known;
    const made = new FeedbackCard(this.interview.language);
    this.cards.set(questionId, made);
    this.history.append(h("li", { class: "entry feedback" }, made.element));
    return made;
  }

  private finish(): void {
    this.answerForm.hidden = true;
    const report = h("a", { class: "button primary", href: `/report/${this.interview.id}`, testid: "to-report" }, t.written.toReport);
    fill(this.question, h("p", { class: "lead" }, t.written.over), h("div", { class: "row" }, report));
    setText(this.progress, "");
    for (const one of [this.skip, this.rephrase, this.pause, this.end]) one.hidden = true;
    report.focus();
  }

  private makeEndDialog(): HTMLDialogElement {
    const keep = button(t.stage.endKeep);
    const confirm = button(t.stage.endConfirm, { class: "danger solid", testid: "confirm-end" });
    const id = freshId("end-title");
    const dialog = h("dialog", { "aria-labelledby": id }, h("h2", { id }, t.stage.endTitle), h("p", { class: "soft" }, t.written.endText), h("div", { class: "row" }, keep, confirm));
    keep.addEventListener("click", () => dialog.close());
    confirm.addEventListener("click", () => {
      dialog.close();
      this.wish("end");
    });
    return dialog;
  }
}
