// What both sides say, as it is said. The list is a view of the talk, not its record.

import { fill, h, setText } from "../dom";
import { button } from "../frame";
import { clockTime, t } from "../text";
import type { SpokenStatus } from "../wire";

/** Older entries leave the page; the record has them all. */
const ENTRIES_MAX = 200;
/** Scrolled up by more than this, the person is reading and is left in peace. */
const AT_END_PX = 48;

interface Sentence {
  text: string;
  /** "heard": its sound has ended; the server's word that it is complete may still come. */
  status: SpokenStatus | "heard";
  element: HTMLElement;
}

interface Entry {
  who: "bot" | "user";
  body: HTMLElement;
  element: HTMLElement;
}

export class Captions {
  readonly element: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly log: HTMLElement;
  private readonly empty = h("p", { class: "soft captions-empty" }, t.stage.captionsEmpty);
  private readonly interim = h("div", { class: "entry user interim", "aria-hidden": "true", hidden: true });
  private readonly newest = button(t.stage.newest, { class: "slim newest", icon: "chevron" });
  private last: Entry | null = null;
  private sentences: Sentence[] = [];
  /** What was typed and has not come back as kept. */
  private written: { text: string; chip: HTMLElement }[] = [];
  private follow = true;

  constructor(
    language: string,
    private readonly elapsedMs: () => number,
  ) {
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t.stage.captions, testid: "captions", lang: language });
    this.scroller = h("div", { class: "captions-scroll", tabindex: "0", role: "group", "aria-label": t.stage.captions }, this.empty, this.log, this.interim);
    this.newest.hidden = true;
    this.newest.addEventListener("click", () => {
      this.follow = true;
      this.scrollToEnd();
    });
    let shape = "";
    this.scroller.addEventListener("scroll", () => {
      // A scroll that comes of a new layout is nobody's wish to read back.
      if (shape !== this.shape()) return;
      const rest = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight;
      this.follow = rest < AT_END_PX;
      if (this.follow) this.newest.hidden = true;
    });
    this.element = h("div", { class: "captions-body" }, this.scroller, this.newest);
    new ResizeObserver(() => {
      shape = this.shape();
      if (this.follow) this.scrollToEnd();
    }).observe(this.scroller);
  }

  private shape(): string {
    return `${this.scroller.clientWidth} ${this.scroller.clientHeight}`;
  }

  /** A sentence of the interviewer: announced, being spoken, or spoken. */
  bot(text: string, status: SpokenStatus): void {
    const words = text.trim();
    if (words === "") return;
    const known = this.sentences.find((sentence) => sentence.text === words && (sentence.status !== "heard" || status === "completed"));
    if (known !== undefined) {
      known.status = status;
      known.element.dataset["status"] = status;
    } else {
      // What was heard before the next sentence began needs no further word.
      this.sentences = this.sentences.filter((sentence) => sentence.status !== "heard");
      const sentence: Sentence = { text: words, status, element: h("span", { class: "sentence" }, `${words} `) };
      sentence.element.dataset["status"] = status;
      this.sentences.push(sentence);
      this.entry("bot").body.append(sentence.element);
      this.scrollToEnd();
    }
    this.sentences = this.sentences.filter((sentence) => sentence.status !== "completed");
  }

  /** Begins anew, for the whole of what was said is shown again. Tells what was typed and never came back as kept. */
  clear(): string[] {
    const open = this.written.map((one) => one.text);
    this.written = [];
    this.sentences = [];
    this.last = null;
    this.interim.hidden = true;
    fill(this.log);
    return open;
  }

  /** What was said before this page was opened, or while its line was broken. */
  past(who: "bot" | "user", text: string, startMs: number | null, interrupted: boolean): void {
    const cut = interrupted ? h("span", { class: "chip cut" }, t.stage.interrupted) : null;
    this.entry(who, startMs).body.append(h("span", { class: "sentence" }, `${text} `, cut));
    this.scrollToEnd();
  }

  /** The interviewer was cut short: what was not yet spoken was never said. */
  botInterrupted(): void {
    let cut = false;
    for (const sentence of this.sentences) {
      if (sentence.status === "new") sentence.element.remove();
      else if (sentence.status === "in-progress") {
        sentence.element.append(h("span", { class: "chip cut" }, t.stage.interrupted));
        cut = true;
      }
    }
    this.sentences = [];
    if (this.last?.who === "bot" && !cut && this.last.body.childElementCount === 0) this.last.element.remove();
    if (this.last?.who === "bot") this.last = null;
  }

  /** The speech as a whole has ended: everything of it was heard. */
  botStopped(): void {
    for (const sentence of this.sentences) {
      if (sentence.status === "in-progress") {
        sentence.status = "heard";
        sentence.element.dataset["status"] = "completed";
      }
    }
  }

  user(text: string, final: boolean): void {
    const words = text.trim();
    if (!final) {
      this.interim.hidden = words === "";
      fill(this.interim, h("p", { class: "who" }, t.you), h("p", { class: "words" }, words));
      this.scrollToEnd();
      return;
    }
    this.interim.hidden = true;
    const echo = this.written.findIndex((one) => one.text === words);
    if (echo >= 0) {
      const [kept] = this.written.splice(echo, 1);
      if (kept !== undefined) setText(kept.chip, t.stage.typed);
      return;
    }
    if (words === "") return;
    this.entry("user").body.append(h("span", { class: "sentence" }, `${words} `));
    this.scrollToEnd();
  }

  /** What the person wrote appears at once, as being sent; the server's echo says that it is kept, and is not shown twice. */
  userWrote(text: string): void {
    const chip = h("span", { class: "chip", testid: "typed" }, t.stage.sending);
    this.written.push({ text, chip });
    this.entry("user").body.append(h("span", { class: "sentence" }, `${text} `), chip, " ");
    this.follow = true;
    this.scrollToEnd();
  }

  private entry(who: "bot" | "user", startMs: number | null = null): Entry {
    if (this.last?.who === who) return this.last;
    this.empty.hidden = true;
    const body = h("p", { class: "words" });
    const element = h(
      "div",
      { class: `entry ${who}` },
      h("p", { class: "who", lang: t.lang }, who === "bot" ? t.interviewer : t.you, h("span", { class: "at" }, clockTime(startMs ?? this.elapsedMs()))),
      body,
    );
    this.log.append(element);
    if (this.log.childElementCount > ENTRIES_MAX) this.log.firstElementChild?.remove();
    this.last = { who, body, element };
    return this.last;
  }

  private scrollToEnd(): void {
    if (this.follow) this.scroller.scrollTop = this.scroller.scrollHeight;
    else this.newest.hidden = false;
  }
}
