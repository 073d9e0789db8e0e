// The buttons of the interview and their keys. A button says what the person wants; the server decides.

import { h, setText } from "../dom";
import { button } from "../frame";
import { icon, type IconName } from "../icons";
import { preference, setPreference } from "../storage";
import { t } from "../text";

export type Wish = "done" | "repeat" | "moment" | "skip" | "pause" | "resume" | "end";

interface Hooks {
  wish(wish: Wish): void;
  focusText(): void;
}

const KEYS: readonly { key: string; shift: boolean; shown: string; act: keyof typeof t.stage.shortcutNames }[] = [
  { key: "d", shift: false, shown: "D", act: "done" },
  { key: "r", shift: false, shown: "R", act: "repeat" },
  { key: "m", shift: false, shown: "M", act: "moment" },
  { key: "s", shift: true, shown: "Shift + S", act: "skip" },
  { key: "p", shift: false, shown: "P", act: "pause" },
  { key: "e", shift: true, shown: "Shift + E", act: "end" },
  { key: "t", shift: false, shown: "T", act: "text" },
  { key: "?", shift: true, shown: "?", act: "help" },
];

export class Controls {
  readonly element: HTMLElement;
  private readonly done = button(t.stage.done, { class: "primary", icon: "check", testid: "btn-done" });
  private readonly repeat = button(t.stage.repeat, { icon: "repeat", testid: "btn-repeat" });
  private readonly moment = button(t.stage.moment, { icon: "clock", testid: "btn-moment" });
  private readonly skip = button(t.stage.skip, { icon: "skip", testid: "btn-skip" });
  private readonly pause = button(t.stage.pause, { icon: "pause", testid: "btn-pause" });
  private readonly end = button(t.stage.end, { class: "danger", icon: "stop", testid: "btn-end" });
  private readonly endDialog: HTMLDialogElement;
  private readonly keysDialog: HTMLDialogElement;
  private paused = false;

  constructor(
    private readonly hooks: Hooks,
    signal: AbortSignal,
  ) {
    this.endDialog = this.makeEndDialog();
    this.keysDialog = makeKeysDialog();
    const help = h("button", { type: "button", class: "button quiet keys", "aria-label": t.stage.shortcuts, title: t.stage.shortcuts }, icon("keyboard"));
    help.addEventListener("click", () => this.keysDialog.showModal());
    const acts: [HTMLButtonElement, () => void][] = [
      [this.done, () => hooks.wish("done")],
      [this.repeat, () => hooks.wish("repeat")],
      [this.moment, () => hooks.wish("moment")],
      [this.skip, () => hooks.wish("skip")],
      [this.pause, () => hooks.wish(this.paused ? "resume" : "pause")],
      [this.end, () => this.endDialog.showModal()],
    ];
    for (const [element, act] of acts) element.addEventListener("click", act);
    this.element = h(
      "div",
      { class: "controls", role: "group", "aria-label": t.stage.controls },
      this.done,
      this.moment,
      this.repeat,
      this.skip,
      this.pause,
      this.end,
      help,
      this.endDialog,
      this.keysDialog,
    );
    document.addEventListener("keydown", (event) => this.key(event), { signal });
  }

  /** Which wishes make sense now. */
  update(state: { connected: boolean; elsewhere: boolean; paused: boolean; closing: boolean; questionOpen: boolean }): void {
    const talking = state.connected && !state.paused && !state.closing;
    for (const element of [this.done, this.repeat, this.moment]) element.disabled = !talking;
    this.skip.disabled = !(talking && state.questionOpen);
    this.pause.disabled = !state.connected || state.closing;
    this.end.disabled = state.closing || state.elsewhere;
    if (state.paused === this.paused) return;
    this.paused = state.paused;
    const words = this.pause.querySelector("span");
    if (words) setText(words, this.paused ? t.stage.resume : t.stage.pause);
    this.pause.querySelector("svg")?.replaceWith(icon((this.paused ? "play" : "pause") satisfies IconName));
    this.pause.classList.toggle("primary", this.paused);
  }

  private makeEndDialog(): HTMLDialogElement {
    const keep = button(t.stage.endKeep);
    const confirm = button(t.stage.endConfirm, { class: "danger solid", testid: "confirm-end" });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "end-title" },
      h("h2", { id: "end-title" }, t.stage.endTitle),
      h("p", { class: "soft" }, t.stage.endText),
      h("div", { class: "row" }, keep, confirm),
    );
    keep.addEventListener("click", () => dialog.close());
    confirm.addEventListener("click", () => {
      dialog.close();
      this.hooks.wish("end");
    });
    return dialog;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (this.endDialog.open || this.keysDialog.open || preference("shortcuts") === "off") return;
    if (isWriting(event)) return;
    // The key's place counts where its letter is of another alphabet.
    const key = /^[a-z?]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace(/^Key/, "").toLowerCase();
    const found = KEYS.find((one) => one.key === key && (one.key === "?" || one.shift === event.shiftKey));
    if (found === undefined) return;
    event.preventDefault();
    const buttons: Partial<Record<string, HTMLButtonElement>> = {
      done: this.done,
      repeat: this.repeat,
      moment: this.moment,
      skip: this.skip,
      pause: this.pause,
      end: this.end,
    };
    if (found.act === "text") this.hooks.focusText();
    else if (found.act === "help") this.keysDialog.showModal();
    else buttons[found.act]?.click();
  }
}

function isWriting(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function makeKeysDialog(): HTMLDialogElement {
  const toggle = h("input", { type: "checkbox", id: "shortcuts-on", checked: preference("shortcuts") !== "off" });
  toggle.addEventListener("change", () => setPreference("shortcuts", toggle.checked ? "on" : "off"));
  const close = button(t.close, { class: "primary" });
  const rows = [
    ...KEYS.map((key) => [key.shown, t.stage.shortcutNames[key.act]] as const),
    ["Ctrl + Enter", t.stage.shortcutNames.submit] as const,
    ["Esc, Tab", t.stage.shortcutNames.leave] as const,
  ];
  const dialog = h(
    "dialog",
    { "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, t.stage.shortcuts),
    h("p", { class: "soft small keys-hint" }, t.stage.shortcutsHint),
    h("dl", {}, rows.map(([key, name]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, name)])),
    h("label", { class: "check keys-toggle", for: "shortcuts-on" }, toggle, h("span", {}, t.stage.shortcutsOn)),
    h("div", { class: "row" }, close),
  );
  close.addEventListener("click", () => dialog.close());
  return dialog;
}
