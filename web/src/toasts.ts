// Short words at the edge of the view. They pass; what a person must act upon stands in the view itself.

import { fill, h } from "./dom";
import { icon } from "./icons";
import { t } from "./text";

const SHOWN_MS = 7_000;
/** A warning says what to do. */
const WARNING_SHOWN_MS = 15_000;
/** More would cover the view; the oldest gives way. */
const SHOWN_MAX = 3;

let region: HTMLElement | null = null;

export function toast(level: "info" | "warning" | "error", text: string): void {
  if (text === "") return;
  const shelf = ensureRegion();
  for (const shown of Array.from(shelf.children)) {
    if (shown.querySelector("p")?.textContent === text) shown.remove();
  }
  while (shelf.children.length >= SHOWN_MAX) shelf.firstElementChild?.remove();
  const close = h("button", { type: "button", "aria-label": t.dismiss }, icon("cross"));
  const item = h("div", { class: `toast ${level}`, testid: "toast" }, h("p", {}, text), close);
  close.addEventListener("click", () => item.remove());
  shelf.appendChild(item);
  window.setTimeout(() => item.remove(), level === "warning" ? WARNING_SHOWN_MS : SHOWN_MS);
}

export function clearToasts(): void {
  if (region !== null) fill(region);
}

function ensureRegion(): HTMLElement {
  if (region === null) {
    region = h("div", { class: "toasts", role: "status", "aria-live": "polite", "aria-label": t.brand });
    document.body.appendChild(region);
  }
  return region;
}
