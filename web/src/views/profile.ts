// The profile: a CV is uploaded, what was read is looked over with the place where it stands, corrected and confirmed.

import { confirmProfile, deleteProfile, fetchProfile, uploadCv, type Fields, type Place, type Profile } from "../account/profile";
import { account } from "../account/session";
import { Problem } from "../api";
import { fill, freshId, h } from "../dom";
import { button, note, select, show, waiting } from "../frame";
import type { Visit } from "../main";
import { levelName, t } from "../text";
import { isRecord } from "../wire";
import { field, form, saidBy } from "./form";

const words = t.account.profile;
const LEVELS = ["junior", "middle", "senior"] as const;
const NOTHING: Fields = { jobPosition: "", level: "", techStack: [], resume: {}, places: new Map() };

export function profileView(visit: Visit): void {
  if (account() === null) return visit.go("/account");
  const slot = h("div", {}, waiting(t.front.loading));
  show(visit.main, words.title, h("div", { class: "narrow stack-wide", testid: "profile" }, h("h1", {}, words.title), h("p", { class: "lead" }, words.lead), uploadCard(visit, slot), slot));
  void load(visit, slot);
}

async function load(visit: Visit, slot: HTMLElement): Promise<void> {
  try {
    draw(visit, slot, await fetchProfile(visit.signal));
  } catch (error) {
    if (visit.signal.aborted) return;
    if (error instanceof Problem && error.status === 404) draw(visit, slot, { confirmed: null, draft: null });
    else fill(slot, saidBy(error));
  }
}

function uploadCard(visit: Visit, slot: HTMLElement): HTMLElement {
  const id = freshId("cv");
  const input = h("input", { id, type: "file", accept: "application/pdf,text/plain,.pdf,.txt", class: "input", testid: "cv" });
  const said = h("div", { "aria-live": "polite" });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file !== undefined) void read(file);
  });
  const read = async (file: File): Promise<void> => {
    input.disabled = true;
    fill(said, waiting(words.uploading));
    try {
      const profile = await uploadCv(file);
      if (visit.signal.aborted) return;
      fill(said);
      draw(visit, slot, profile);
    } catch (error) {
      fill(said, saidBy(error));
    } finally {
      input.disabled = false;
      input.value = "";
    }
  };
  return h("section", { class: "card stack" }, h("div", { class: "field" }, h("label", { for: id }, words.upload), input, h("span", { class: "hint" }, words.uploadHint)), said);
}

function draw(visit: Visit, slot: HTMLElement, profile: Profile): void {
  const fields = profile.draft ?? profile.confirmed ?? NOTHING;
  const head = profile.draft === null ? null : note("", "info", words.found, h("p", {}, words.foundWords));
  const erase = button(words.erase, { class: "quiet" });
  const said = h("div", { "aria-live": "polite" });
  erase.addEventListener("click", () => {
    deleteProfile().then(
      () => {
        draw(visit, slot, { confirmed: null, draft: null });
      },
      (error: unknown) => fill(said, saidBy(error)),
    );
  });
  const isThere = profile.confirmed !== null || profile.draft !== null;
  fill(slot, h("section", { class: "card stack" }, head, editor(visit, slot, fields), isThere ? erase : null, said));
}

function editor(visit: Visit, slot: HTMLElement, fields: Fields): HTMLElement {
  const basics = isRecord(fields.resume["basics"]) ? fields.resume["basics"] : {};
  const name = field({ label: words.name, name: "name", value: text(basics["name"]), optional: true, autocomplete: "name" });
  const position = field({ label: words.position, name: "job_position", value: fields.jobPosition });
  const stack = field({ label: words.stack, name: "tech_stack", value: fields.techStack.join(", "), hint: words.stackHint, optional: true });
  const id = freshId("level");
  const level = select(id, [{ value: "", label: words.noLevel }, ...LEVELS.map((one) => ({ value: one, label: levelName(one) }))]);
  level.field.value = fields.level;
  const lists = (["work", "education", "languages"] as const).map((kind) => ({ kind, list: entries(kind, fields) }));
  const body = form([name, position, stack], words.confirm, async () => {
    const resume: Record<string, unknown> = { ...fields.resume, basics: { ...basics, name: name.value() } };
    for (const { kind, list } of lists) resume[kind] = list.kept();
    const techStack = stack.value().split(",").map((one) => one.trim()).filter((one) => one !== "");
    resume["skills"] = techStack.map((one) => ({ name: one }));
    const profile = await confirmProfile({ jobPosition: position.value(), level: level.field.value, techStack, resume });
    if (visit.signal.aborted) return;
    draw(visit, slot, profile);
    slot.prepend(note("", "check", words.confirmed));
  });
  name.element.append(where(fields, "basics.name"));
  position.element.append(where(fields, "job_position"));
  stack.element.append(where(fields, "tech_stack[0]"));
  const levelField = h("div", { class: "field" }, h("label", { for: id }, words.level), level.box, where(fields, "experience_level"));
  stack.element.before(levelField);
  stack.element.after(...lists.map(({ list }) => list.element));
  return body;
}

/** The entries of a list, each to be kept or not. */
function entries(kind: "work" | "education" | "languages", fields: Fields): { element: HTMLElement; kept(): unknown[] } {
  const list = Array.isArray(fields.resume[kind]) ? fields.resume[kind].filter(isRecord) : [];
  const rows = list.map((entry, index) => {
    const box = h("input", { type: "checkbox", checked: true, "aria-label": words.keep });
    const paths = [...fields.places.keys()].filter((path) => path === `${kind}[${index}]` || path.startsWith(`${kind}[${index}].`));
    const row = h("li", { class: "cv-entry" }, box, h("div", {}, h("p", {}, title(entry)), h("p", { class: "soft small" }, span(entry)), place(fields.places.get(paths[0] ?? ""))));
    return { entry, box, row };
  });
  const heading = h("h3", {}, words[kind]);
  return {
    element: rows.length === 0 ? h("div", { hidden: true }) : h("div", { class: "stack" }, heading, h("ul", { class: "cv-list" }, rows.map(({ row }) => row))),
    kept: () => rows.filter(({ box }) => box.checked).map(({ entry }) => entry),
  };
}

function title(entry: Record<string, unknown>): string {
  const parts = ["position", "name", "studyType", "institution", "language", "fluency"].map((name) => text(entry[name]));
  return parts.filter((part) => part !== "").join(", ");
}

function span(entry: Record<string, unknown>): string {
  const start = text(entry["startDate"]);
  return start === "" ? "" : words.until(start, text(entry["endDate"]) || words.present);
}

function where(fields: Fields, path: string): HTMLElement | string {
  return place(fields.places.get(path)) ?? "";
}

/** Where it stands in the CV, with the words that stand there. */
function place(found: Place | undefined): HTMLElement | null {
  if (found === undefined) return null;
  return h("span", { class: "hint cv-place" }, h("q", {}, found.quote), ` (${words.place(found.page)})`);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
