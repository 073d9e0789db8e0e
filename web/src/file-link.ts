// Files of an interview, as links and as sound. The account's token in such an address ends after minutes, and a page is
// read for longer: it is asked for anew when somebody follows the link, or plays on.

import { account, current } from "./account/session";
import { fileAddress, freshFileAddress, type FileName } from "./api";
import { h, type Child } from "./dom";

/** A link to a file; `more` is put behind its address. */
export function fileLink(id: string, token: string | null, name: FileName, attributes: Record<string, string>, children: Child[], more: Record<string, string> = {}): HTMLAnchorElement {
  const whole = (address: string): string => {
    const rest = new URLSearchParams(more).toString();
    return rest === "" ? address : `${address}${address.includes("?") ? "&" : "?"}${rest}`;
  };
  const link = h("a", { class: "button slim", href: whole(fileAddress(id, token, name)), ...attributes }, children);
  let asked = false;
  link.addEventListener("click", (event) => {
    if (asked || token !== null || account() === null) return;
    if (current() !== null) {
      link.href = whole(fileAddress(id, token, name));
      return;
    }
    event.preventDefault();
    freshFileAddress(id, token, name)
      .then((address) => {
        link.href = whole(address);
      })
      // The server then says what is wrong.
      .catch(() => undefined)
      .finally(() => {
        asked = true;
        link.click();
        asked = false;
      });
  });
  return link;
}

/** Gives a sound whose address has run out a new one, and plays on where it was; `none` when there is nothing to play. */
export function playOn(audio: HTMLAudioElement, address: () => Promise<string>, none: () => void): void {
  audio.addEventListener("error", () => {
    const [before, at, playing] = [audio.getAttribute("src"), audio.currentTime, !audio.paused];
    if (before === null) return;
    address().then((fresh) => {
      if (fresh === before) return none();
      audio.src = fresh;
      audio.currentTime = at;
      if (playing) void audio.play().catch(() => undefined);
    }, none);
  });
}
