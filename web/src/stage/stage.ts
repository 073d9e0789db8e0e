// The interview itself: ties the call to what is seen. It shows the server's state and sends the person's wishes;
// it must never guess the course of the interview.

import { endInterview, fetchTranscript, type Interview } from "../api";
import { Call, type Line } from "../call";
import { fill, h, setText } from "../dom";
import { button, note, show } from "../frame";
import { icon } from "../icons";
import type { Visit } from "../main";
import { parseTranscript } from "../report/model";
import { preference, setPreference } from "../storage";
import { t } from "../text";
import { clearToasts, toast } from "../toasts";
import type { SoundSetup } from "../views/microphone";
import { consentStep } from "../views/consent";
import { JUST_ENDED } from "../views/report";
import type { InterviewState, Question, ServerMessage } from "../wire";
import { keepAwake } from "./awake";
import { Captions } from "./captions";
import { StageClock } from "./clock";
import { CodePane, isCodeQuestion } from "./code-pane";
import { Controls, type Wish } from "./controls";
import { Indicator, type Visible } from "./indicator";
import { Loudspeaker } from "./loudspeaker";
import { MicrophoneWatch } from "./microphone-watch";
import { questionParts } from "./question";
import { TextBox } from "./text-box";

/** At most one "typing" in this time. */
const TYPING_INTERVAL_MS = 1_000;
/** The record after a break; captions are held so long. */
const CATCH_UP_MAX_MS = 4_000;
const CAPTIONS: ReadonlySet<ServerMessage["type"]> = new Set(["user-transcription", "bot-output", "bot-stopped-speaking", "bot-interrupted"]);
/** After a wish to end: when the goodbye takes longer, the page offers to leave without it. */
const LEAVE_OFFER_AFTER_MS = 6_000;

export function stage(visit: Visit, interview: Interview, token: string | null, sound: SoundSetup): void {
  new Stage(visit, interview, token, sound).begin();
}

class Stage {
  private readonly call: Call;
  private readonly clock = new StageClock();
  private readonly indicator: Indicator;
  private readonly captions: Captions;
  private readonly controls: Controls;
  private readonly textBox: TextBox;
  private readonly codePane: CodePane;
  private readonly connection = h("span", { class: "chip", testid: "connection", role: "status" });
  private readonly question = h("section", { class: "question", "aria-label": t.stage.question, testid: "question" });
  private readonly banner = h("div", { class: "banner", "aria-live": "assertive" });
  private readonly hint = h("p", { class: "soft small silent-hint", role: "status" });
  private readonly layout = h("div", { class: "stage" });
  private readonly loudspeaker: Loudspeaker;
  private watch: MicrophoneWatch | null = null;
  private line: Line = { kind: "connecting", words: null };
  private state: InterviewState | null = null;
  private shownQuestion: Question | null = null;
  private botSpeaking = false;
  private userSpeaking = false;
  private ending = false;
  private over = false;
  private lastTyping = 0;
  /** Captions that come while the record is fetched anew; null when it is not. */
  private held: ServerMessage[] | null = null;
  /** The server's last words of what went wrong. */
  private trouble: string | null = null;
  /** Why the server has left the interview, until it is back. */
  private stopped: string | null = null;

  constructor(
    private readonly visit: Visit,
    private readonly interview: Interview,
    private readonly token: string | null,
    private readonly sound: SoundSetup,
  ) {
    const writing = sound.stream === null;
    this.indicator = new Indicator(writing);
    this.captions = new Captions(interview.language, () => this.clock.elapsedMs());
    this.controls = new Controls(
      { wish: (wish) => void this.wish(wish), focusText: () => this.textBox.focus() },
      visit.signal,
    );
    this.textBox = new TextBox(writing, { send: (text) => this.write(text), typing: () => this.typing() });
    this.codePane = new CodePane({
      interview: interview.id,
      deliver: (message) => this.call.request({ t: "code", d: message }),
      typing: () => this.typing(),
      notice: toast,
    });
    this.loudspeaker = new Loudspeaker(sound.outputId, {
      level: (level) => {
        if (this.botSpeaking) this.indicator.setLevel(level);
      },
      ask: (words) => fill(this.banner, words),
    });
    this.call = new Call(interview.id, token, sound.stream?.getAudioTracks()[0] ?? null, {
      line: (line) => this.onLine(line),
      message: (message) => this.onMessage(message),
      sound: (stream) => this.loudspeaker.play(stream),
    });
  }

  begin(): void {
    const { visit } = this;
    this.draw();
    if (this.sound.stream !== null) this.watchMicrophone(this.sound.stream);
    visit.signal.addEventListener("abort", () => this.close());
    window.addEventListener("pagehide", () => this.call.close(), { signal: visit.signal });
    document.addEventListener(
      "visibilitychange",
      () => this.call.send({ t: "focus", d: { visible: document.visibilityState === "visible" } }),
      { signal: visit.signal },
    );
    keepAwake(visit.signal);
    void this.recall().then(() => this.call.join());
  }

  /** A page that was loaded anew shows what was said before. Without it the talk goes on all the same. */
  private async recall(): Promise<void> {
    if (this.interview.status !== "active" && this.interview.status !== "paused") return;
    try {
      const rows = parseTranscript(await fetchTranscript(this.interview.id, this.token, this.visit.signal));
      for (const row of rows) this.captions.past(row.role === "candidate" ? "user" : "bot", row.content, row.startMs, row.interrupted);
    } catch {
      // The record is in the report, too.
    }
  }

  /** After a break: shows what was said meanwhile, and gives back what was typed and did not arrive. */
  private async catchUp(): Promise<void> {
    if (this.held !== null) return;
    this.held = [];
    try {
      const limit = AbortSignal.any([this.visit.signal, AbortSignal.timeout(CATCH_UP_MAX_MS)]);
      const rows = parseTranscript(await fetchTranscript(this.interview.id, this.token, limit));
      const typed = this.captions.clear();
      for (const row of rows) this.captions.past(row.role === "candidate" ? "user" : "bot", row.content, row.startMs, row.interrupted);
      const lost = typed.filter((text) => !rows.some((row) => row.role === "candidate" && row.content.includes(text)));
      if (lost.length > 0) {
        this.textBox.giveBack(lost.join("\n"));
        this.tell("warn", t.stage.notArrived);
      }
    } catch {
      // What is on the page stays; the record is in the report, too.
    }
    const { held } = this;
    this.held = null;
    for (const message of held ?? []) this.onMessage(message);
  }

  /** Words to act upon: they stay until the person takes them away, or the line changes. */
  private tell(kind: "warn" | "bad", words: string): void {
    const read = button(t.dismiss, { class: "slim" });
    read.addEventListener("click", () => fill(this.banner));
    fill(this.banner, note(kind, "warning", "", h("p", { testid: "told" }, words), h("div", { class: "row" }, read)));
  }

  private draw(): void {
    const captionsToggle = button("", { class: "quiet slim" });
    const captionsSection = h(
      "section",
      { class: "card captions", "aria-label": t.stage.captions },
      h("div", { class: "captions-head" }, h("h2", {}, t.stage.captions), captionsToggle),
      this.captions.element,
      this.textBox.element,
    );
    const apply = (hidden: boolean): void => {
      this.captions.element.hidden = hidden;
      setText(captionsToggle.querySelector("span") ?? captionsToggle, hidden ? t.stage.captionsShow : t.stage.captionsHide);
    };
    captionsToggle.addEventListener("click", () => {
      const hidden = !this.captions.element.hidden;
      setPreference("hide-captions", hidden ? "yes" : "no");
      apply(hidden);
    });
    apply(preference("hide-captions") === "yes");
    fill(
      this.layout,
      h("h1", { class: "visually-hidden" }, this.interview.title || t.stage.title),
      this.banner,
      h("div", { class: "card stage-head" }, this.indicator.element, this.question, this.hint),
      this.codePane.element,
      captionsSection,
      h("div", { class: "control-bar" }, this.controls.element),
      this.loudspeaker.element,
    );
    fill(this.visit.bar, h("span", { class: "bar-title" }, this.interview.title || this.interview.jobPosition), this.clock.element, this.connection);
    show(this.visit.main, this.interview.title || t.stage.title, this.layout);
    this.visit.main.classList.add("wide");
    this.drawQuestion(null);
    this.refresh();
  }

  private close(): void {
    this.call.close();
    this.clock.close();
    this.watch?.close();
    this.loudspeaker.close();
  }

  // What comes from the line

  private onLine(line: Line): void {
    const before = this.line;
    this.line = line;
    if (line.kind !== "open") this.clock.hold();
    switch (line.kind) {
      case "connecting":
        fill(this.banner, line.words === null ? "" : note("warn", "link", "", h("p", { testid: "not-yet" }, line.words)));
        break;
      case "closed":
        fill(this.banner);
        break;
      case "open":
        fill(this.banner);
        this.loudspeaker.remind();
        this.trouble = null;
        this.stopped = null;
        if (before.kind === "reconnecting") {
          toast("info", t.stage.reconnected);
          this.codePane.resend();
          void this.catchUp();
        }
        break;
      case "reconnecting":
        this.botSpeaking = false;
        this.userSpeaking = false;
        fill(this.banner, note("warn", "link", "", h("p", {}, this.stopped ?? t.stage.reconnecting)));
        break;
      case "lost": {
        const began = line.began || this.interview.status === "active" || this.interview.status === "paused";
        const [title, text] = began ? [t.stage.lostTitle, t.stage.lostText] : [t.stage.notBegunTitle, t.stage.notBegunText];
        this.offer("bad", title, line.words === null ? text : `${line.words} ${text}`, t.tryAgain);
        break;
      }
      case "elsewhere":
        this.offer("warn", t.stage.elsewhereTitle, t.stage.elsewhereText, t.stage.elsewhereHere);
        break;
      case "over":
        this.finish();
        break;
      case "consent-missing":
        void consentStep(this.visit, this.interview, this.token).then(() => {
          this.draw();
          this.call.join();
        });
        return;
    }
    this.refresh();
  }

  /** Says why the line is down, with a button that joins again. */
  private offer(kind: "warn" | "bad", title: string, words: string, action: string): void {
    clearToasts();
    const join = button(action, { class: "slim", icon: "repeat", testid: "rejoin" });
    join.addEventListener("click", () => this.call.join());
    fill(this.banner, note(kind, "link", title, h("p", {}, words), h("div", { class: "row" }, join)));
    window.scrollTo({ top: 0 });
  }

  private onMessage(message: ServerMessage): void {
    if (this.held !== null && CAPTIONS.has(message.type)) return void this.held.push(message);
    switch (message.type) {
      case "state":
        this.onState(message.state);
        return;
      case "user-started-speaking":
      case "user-stopped-speaking":
        this.userSpeaking = message.type === "user-started-speaking";
        break;
      case "user-transcription":
        this.captions.user(message.text, message.final);
        return;
      case "bot-started-speaking":
        this.botSpeaking = true;
        break;
      case "bot-stopped-speaking":
        this.botSpeaking = false;
        this.captions.botStopped();
        break;
      case "bot-output":
        this.captions.bot(message.text, message.status);
        return;
      case "bot-interrupted":
        this.botSpeaking = false;
        this.captions.botInterrupted();
        break;
      case "notice":
        if (message.level !== "error") return toast(message.level, message.text);
        this.trouble = message.text;
        if (this.line.kind === "open") this.tell("bad", message.text);
        else toast("error", message.text);
        return;
      case "error":
        toast("error", message.message);
        return;
      case "ended":
        this.onEnded(message.reason);
        return;
      case "bot-ready":
      case "server-response":
      case "error-response":
        return;
    }
    this.refresh();
  }

  private onState(state: InterviewState): void {
    this.state = state;
    this.clock.set(state.elapsedMs, state.remainingMs, !state.paused && state.phase !== "ended");
    this.drawQuestion(state.question);
    void this.codePane.show(state.question);
    this.layout.classList.toggle("with-code", isCodeQuestion(state.question));
    this.refresh();
  }

  private onEnded(reason: string): void {
    if (reason === "taken_over") return this.call.letGo();
    if (reason !== "shutdown") return this.finish();
    // The server stops, the interview does not: it goes on when the server is back.
    this.stopped = this.trouble ?? t.stage.serverStopped;
    this.call.serverStopped();
  }

  /** The interview is over: on to its report. */
  private finish(): void {
    if (this.over || this.visit.signal.aborted) return;
    this.over = true;
    this.call.hungUp();
    this.visit.go(`/report/${this.interview.id}${JUST_ENDED}`);
  }

  // What comes from the person

  private async wish(wish: Wish): Promise<void> {
    if (wish === "end") return this.end();
    const reached = await this.call.request({ t: wish });
    if (!reached && !this.visit.signal.aborted) toast("warning", t.stage.notDone);
  }

  private end(): void {
    if (this.ending) return;
    this.ending = true;
    this.refresh();
    const sent = this.call.send({ t: "end" });
    if (!sent) return void this.leave();
    window.setTimeout(() => {
      if (this.over || this.visit.signal.aborted) return;
      const leave = button(t.stage.endLeave, { class: "slim", testid: "leave-now" });
      leave.addEventListener("click", () => void this.leave());
      fill(this.banner, note("", "info", "", h("p", {}, t.stage.ending), h("div", { class: "row" }, leave)));
    }, LEAVE_OFFER_AFTER_MS);
  }

  /** Ends over REST: for when the line is down or the goodbye takes too long. */
  private async leave(): Promise<void> {
    try {
      await endInterview(this.interview.id, this.token);
      this.finish();
    } catch {
      this.ending = false;
      toast("error", t.stage.notDone);
      this.refresh();
    }
  }

  private write(text: string): boolean {
    const sent = this.call.sendText(text);
    if (sent) this.captions.userWrote(text);
    else toast("warning", t.stage.notDone);
    return sent;
  }

  private typing(): void {
    const now = performance.now();
    if (now - this.lastTyping < TYPING_INTERVAL_MS) return;
    this.lastTyping = now;
    this.call.send({ t: "typing" });
  }

  // Sound

  private watchMicrophone(stream: MediaStream): void {
    this.watch = new MicrophoneWatch(stream, {
      level: (level) => {
        if (!this.botSpeaking) this.indicator.setLevel(level);
      },
      silent: (silent) => setText(this.hint, silent ? t.stage.silentMicrophone : ""),
      replaced: (track) => void this.call.useMicrophone(track),
      listening: () => this.visible() === "listening",
    });
  }

  // What is seen

  private visible(): Visible {
    switch (this.line.kind) {
      case "connecting":
      case "consent-missing":
        return "connecting";
      case "reconnecting":
        return "reconnecting";
      case "lost":
      case "elsewhere":
        return this.line.kind;
      case "over":
      case "closed":
        return "closing";
      case "open":
        return this.visiblePhase();
    }
  }

  private visiblePhase(): Visible {
    const { state } = this;
    if (state?.paused) return "paused";
    if (this.ending || state?.phase === "closing" || state?.phase === "ended") return "closing";
    if (this.botSpeaking) return "speaking";
    switch (state?.phase) {
      case undefined:
      case "connecting":
        return "connecting";
      case "greeting":
      case "asking":
      case "speaking":
        return "speaking";
      case "listening":
        return this.userSpeaking ? "hearing" : "listening";
      case "thinking":
        return "thinking";
      case "paused":
        return "paused";
    }
  }

  private refresh(): void {
    const visible = this.visible();
    const connected = this.line.kind === "open";
    // Before the first question everything is greeting, which is said to its end.
    this.indicator.show(visible, visible === "speaking" && this.shownQuestion === null);
    if (visible !== "listening") setText(this.hint, "");
    this.controls.update({
      connected,
      elsewhere: visible === "elsewhere",
      paused: this.state?.paused ?? false,
      closing: visible === "closing",
      questionOpen: this.state?.question != null,
    });
    this.textBox.enable(connected && visible !== "closing" && visible !== "paused");
    this.drawConnection();
  }

  private drawConnection(): void {
    const words = t.stage.connection;
    const [text, kind] =
      this.line.kind === "open"
        ? ([words.open, "good"] as const)
        : this.line.kind === "reconnecting"
          ? ([words.reconnecting, "warn"] as const)
          : this.line.kind === "lost" || this.line.kind === "elsewhere"
            ? ([words[this.line.kind], "bad"] as const)
            : this.line.kind === "connecting" || this.line.kind === "consent-missing"
              ? ([words.connecting, ""] as const)
              : ([words.closed, ""] as const);
    if (this.connection.textContent === text) return;
    this.connection.className = `chip ${kind}`.trim();
    this.connection.dataset["line"] = this.line.kind;
    fill(this.connection, icon("link"), h("span", {}, text));
  }

  private drawQuestion(question: Question | null): void {
    const shown = this.shownQuestion;
    if (question !== null && question.id === shown?.id && question.text === shown.text) return;
    if (question === null) {
      // Before the first question a word of what comes; after the last one nothing is left to say.
      if (shown !== null) fill(this.question);
      else if (this.question.childElementCount === 0) fill(this.question, h("p", { class: "soft" }, t.stage.waitingQuestion));
      return;
    }
    this.shownQuestion = question;
    fill(this.question, ...questionParts(question, this.interview.language));
  }
}
