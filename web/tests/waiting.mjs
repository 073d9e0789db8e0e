// Waiting for something to become true, with a limit far above what it takes: a limit here says "broken", never "slow".

import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 250;

/** Asks `look` until it gives something truthy, and returns that. */
export async function until(what, limitMs, look) {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`waited ${limitMs / 1000} s in vain: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
