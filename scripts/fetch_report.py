"""What a fetch shows to the person who waits: sizes, lines, a bar on a terminal. Decides nothing."""

import hashlib
import sys
import time

CHUNK_BYTES = 1 << 20
PLAIN_PROGRESS_S = 10  # between two progress lines when nobody watches a terminal


class Unavailable(Exception):
    """This source did not give the file; the next one may."""


class SaidBefore(Unavailable):
    """The same failure was said for an earlier file; once is enough."""


class NotPinned(Unavailable):
    """Bytes came, but they are not the pinned ones."""


def say(text=""):
    print(text, flush=True)


def size(count):
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


class Progress:
    """A bar on a terminal, now and then a line elsewhere. Silent for what is done at once."""

    def __init__(self, label, total):
        self.label, self.total, self.started = label, max(total, 1), time.monotonic()
        self.first, self.shown, self.terminal = None, self.started, sys.stdout.isatty()

    def at(self, done):
        now = time.monotonic()
        if self.first is None:
            self.first = done
        if now - self.shown < (0.2 if self.terminal else PLAIN_PROGRESS_S):
            return
        self.shown = now
        rate = (done - self.first) / max(now - self.started, 0.001)
        share = min(done / self.total, 1.0)
        left = f", {(self.total - done) / rate:.0f} s left" if rate > 0 and done < self.total else ""
        text = f"{share:4.0%} {size(done)} of {size(self.total)}, {size(rate)}/s{left}"
        if self.terminal:
            bar = "#" * int(share * 24)
            print(f"\r\033[K  {self.label} [{bar:24}] {text}", end="", flush=True)
        else:
            say(f"  {self.label}: {text}")

    def end(self):
        if self.terminal:
            print("\r\033[K", end="", flush=True)


def sha256_of(path, label=None):
    digest, done = hashlib.sha256(), 0
    progress = Progress(f"checking {label}", path.stat().st_size) if label else None
    with open(path, "rb") as file:
        while block := file.read(CHUNK_BYTES):
            digest.update(block)
            done += len(block)
            if progress:
                progress.at(done)
    if progress:
        progress.end()
    return digest.hexdigest()
