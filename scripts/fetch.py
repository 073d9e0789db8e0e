#!/usr/bin/env python3
"""Fetches what config/downloads.toml pins into the cache directory, and says which source each file came from.

Only Python's standard library. A file is put in place only when its sha256 is the pinned one, by a rename. What was cut
short goes on where it stopped: an address by a range request, a file in several packages after its last whole part.
Two runs take turns. How a source is read is in fetch_sources.py.
"""

import argparse
import contextlib
import fcntl
import json
import os
import platform
import shutil
import signal
import sys
import time
import tomllib
import urllib.parse
from pathlib import Path

sys.dont_write_bytecode = True  # a checkout stays as it is

from fetch_report import SaidBefore, Unavailable, say, sha256_of, size  # noqa: E402
from fetch_sources import Sources  # noqa: E402

LOCK_NOTICE_S = 15  # how often a waiting run says so
SPARE_BYTES = 300 << 20  # left free on the disk after everything is fetched
REPOSITORY = Path(__file__).resolve().parent.parent


class Stamps:
    """Which files were found right, by size and time of change, so that a second run need not read them again."""

    def __init__(self, path):
        self.path = path
        try:
            self.known = json.loads(path.read_text())
        except (OSError, ValueError):
            self.known = {}
        if not isinstance(self.known, dict):
            self.known = {}

    @staticmethod
    def marks(path, sha256):
        stat = path.stat()
        return [stat.st_size, stat.st_mtime_ns, sha256]

    def holds(self, path, sha256):
        return path.is_file() and self.known.get(str(path)) == self.marks(path, sha256)

    def add(self, path, sha256):
        self.known[str(path)] = self.marks(path, sha256)
        temporary = self.path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a cache that cannot be written is checked anew each time
            temporary.write_text(json.dumps(self.known, indent=1))
            os.replace(temporary, self.path)


class Fetcher:
    def __init__(self, cache, rehash):
        self.cache = cache
        self.downloads = cache / "downloads"
        self.rehash = rehash
        self.stamps = Stamps(self.downloads / "verified.json")
        self.sources = Sources(self.downloads)

    # --- what is there -------------------------------------------------------------------------------------------

    def place(self, file):
        """Where a pinned file belongs on this machine."""
        models, path = os.environ.get("VIVAVOCE_MODELS_DIR"), file["path"]
        if models and path.startswith("models/"):
            return Path(models).expanduser().absolute() / path.removeprefix("models/")
        return self.cache / path

    def tree_pin(self, file):
        trees = [source for source in file["source"] if source["kind"] == "pypi_tree"]
        return trees[0]["sha256"] if trees else None

    def present(self, file):
        place, pin = self.place(file), self.tree_pin(file)
        if pin and not (tree_is_whole(place.parent.parent, pin)):
            return False
        if not place.is_file():
            return False
        if not self.rehash and self.stamps.holds(place, file["sha256"]):
            return True
        if place.stat().st_size == file["bytes"] and sha256_of(place, file["name"]) == file["sha256"]:
            if not pin or self.tree_unchanged(place.parent.parent):
                self.stamps.add(place, file["sha256"])
                return True
        say(f"  {file['name']}: the file in the cache is damaged (its sha256 is not the pinned one); it is fetched again")
        return False

    def tree_unchanged(self, root):
        listed = json.loads((root / "contents.json").read_text())["files"]
        return all(sha256_of(root / name) == entry[1] for name, entry in listed.items())

    # --- one file ------------------------------------------------------------------------------------------------

    def fetch(self, file):
        """Tries the sources in order. Returns a word about the one that gave the file, or None and says why."""
        if file.get("arch") and file["arch"] != platform.machine():
            say(f"  {file['name']}: pinned for {file['arch']}, and this machine is {platform.machine()}. Install it by hand"
                f" and name it by {file.get('unless_env', 'its own variable')}.")
            return None
        sources, place = list(file["source"]), self.place(file)
        if own := os.environ.get(own_variable(file)):
            sources.insert(0, {"kind": "own", "url": own, "variable": own_variable(file)})
        for source in sources:
            what = describe(source)
            try:
                started = time.monotonic()
                self.sources.fetch(file, source, place)
                self.stamps.add(place, file["sha256"])
                for left in self.downloads.glob(f"{file['name']}.*.partial"):  # begun from a source that did not finish
                    left.unlink()
                say(f"  {file['name']}: {size(file['bytes'])} from {what}, verified ({time.monotonic() - started:.1f} s)")
                return what
            except SaidBefore:
                continue
            except Unavailable as why:
                say(f"  {file['name']}: not from {what}: {why}")
            except OSError as why:
                say(f"  {file['name']}: not from {what}: {why.strerror or why}")
        return None


def tree_is_whole(root, pin):
    """Whether an unpacked tree is of the pinned archive and has every file at its size (their hashes: --rehash)."""
    try:
        contents = json.loads((root / "contents.json").read_text())
        return contents["archive"] == pin and all(
            (root / name).stat().st_size == entry[0] for name, entry in contents["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def own_variable(file):
    return "VIVAVOCE_SOURCE_" + file["name"].upper().replace("-", "_")


def describe(source):
    if source["kind"] in ("url", "own"):
        host = urllib.parse.urlsplit(source["url"]).hostname
        return f"your {source['variable']}" if source["kind"] == "own" else host
    registry = "npm" if source["kind"] == "npm" else "PyPI"
    packages = [part["package"] for part in source.get("parts", [source])]
    return f"{registry}, {packages[0]}" + (f" and {len(packages) - 1} more packages" if len(packages) > 1 else "")


def cache_directory():
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home).expanduser().absolute() / "cache"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "vivavoce"


@contextlib.contextmanager
def alone(downloads):
    """Holds the lock on the cache; the kernel frees it however this run ends."""
    with open(downloads / "lock", "w") as lock:
        waited = time.monotonic() - LOCK_NOTICE_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - waited >= LOCK_NOTICE_S:
                    waited = time.monotonic()
                    say("  another run is fetching into the same cache; waiting for it")
                time.sleep(0.5)
        yield


def remedy(failed):
    say("\nMissing, because none of the sources gave it (see above):")
    for file in failed:
        tree = next((source for source in file["source"] if source["kind"] == "pypi_tree"), None)
        what, pin, count = "file", file["sha256"], file["bytes"]
        if tree:
            what, pin, count = f"archive of {tree['package']}", tree["sha256"], tree["download_bytes"]
        say(f"  {file['name']}: {file['role']}\n      the {what}: {count} bytes, sha256 {pin}")
    name = failed[0]["name"]
    say(f"""What helps:
  - run the same command again: what came is kept, and it goes on from there;
  - behind a proxy, set HTTPS_PROXY; with a package mirror of your own, set it in pip's and npm's configuration;
  - have the file already, or at another address: {own_variable(failed[0])}=/path/or/https://address (the same for the others);
  - do without it: VIVAVOCE_SKIP={name}
""")


def wanted_files(files, extras, is_there):
    skipped = {name.strip() for name in os.environ.get("VIVAVOCE_SKIP", "").split(",")} - {""}
    if unknown := skipped - {file["name"] for file in files}:
        raise SystemExit(f"VIVAVOCE_SKIP names what is not in config/downloads.toml: {', '.join(sorted(unknown))}")
    wanted = []
    for file in files:
        if file["name"] in skipped:
            say(f"  {file['name']}: left out by VIVAVOCE_SKIP")
        elif os.environ.get(file.get("unless_env", ""), ""):
            say(f"  {file['name']}: not fetched, {file['unless_env']} names your own")
        elif file.get("extra") and file["extra"] not in extras and not is_there(file):
            continue
        else:
            wanted.append(file)
    return wanted


def fetch_all(fetcher, wanted):
    """Fetches what is missing; returns the files that could not be had."""
    fetcher.sources.archives.mkdir(parents=True, exist_ok=True)
    failed, standing_in = [], []
    with alone(fetcher.downloads):
        fetcher.stamps = Stamps(fetcher.stamps.path)
        missing = [file for file in wanted if "fallback_for" not in file and not fetcher.present(file)]
        needed = sum(file["bytes"] for file in missing)
        free = shutil.disk_usage(fetcher.downloads).free
        if needed + SPARE_BYTES > free:
            raise SystemExit(f"{size(needed)} are to be fetched into {fetcher.cache}, and only {size(free)} are free there."
                             " Free some space, or set VIVAVOCE_HOME or XDG_CACHE_HOME to a larger disk.")
        for file in missing:
            if fetcher.fetch(file) is None:
                failed.append(file)
        for file in [file for file in wanted if file.get("fallback_for") in [f["name"] for f in failed]]:
            if fetcher.present(file) or fetcher.fetch(file):
                standing_in.append(file)
        if not failed:
            shutil.rmtree(fetcher.sources.archives, ignore_errors=True)
    for file in standing_in:
        lost = next(f for f in failed if f["name"] == file["fallback_for"])
        say(f"\nWARNING: {lost['name']} could not be had, so {file['name']} stands in: {file['role']}.\n"
            f"  The next run tries for {lost['name']} again.")
        failed.remove(lost)
    return failed


def main():
    parser = argparse.ArgumentParser(description="Fetch and verify what config/downloads.toml pins.")
    parser.add_argument("--check", action="store_true", help="only say what is missing or damaged; fetch nothing")
    parser.add_argument("--extra", action="append", default=[], metavar="NAME", help="also what is wanted only by some (`daily`)")
    parser.add_argument("--rehash", action="store_true", help="read every file again instead of trusting size and time of change")
    parser.add_argument("--pins", type=Path, default=REPOSITORY / "config" / "downloads.toml", help="another list of pins")
    arguments = parser.parse_args()
    with open(arguments.pins, "rb") as file:
        files = tomllib.load(file)["file"]
    started = time.monotonic()
    fetcher = Fetcher(cache_directory(), arguments.rehash)
    if unknown := set(arguments.extra) - {file.get("extra") for file in files}:
        raise SystemExit(f"config/downloads.toml has no extra files called {', '.join(sorted(unknown))}")
    wanted = wanted_files(files, arguments.extra, lambda file: fetcher.place(file).is_file())
    required = [file for file in wanted if "fallback_for" not in file]
    failed = [file for file in required if not fetcher.present(file)] if arguments.check else fetch_needed(fetcher, required, wanted)
    if arguments.check:
        for file in failed:
            say(f"  {file['name']}: missing or damaged. {file['role']}")
    elif failed:
        remedy(failed)
    there = [file for file in required if file not in failed and fetcher.place(file).is_file()]
    say(f"  {len(there)} of {len(required)} files ({size(sum(file['bytes'] for file in there))}) are in {fetcher.cache}"
        f" ({time.monotonic() - started:.1f} s)")
    return 1 if failed else 0


def fetch_needed(fetcher, required, wanted):
    """The usual run finds everything verified by its stamps and needs neither the lock nor a writable cache."""
    if not fetcher.rehash and all(
            fetcher.stamps.holds(fetcher.place(file), file["sha256"]) and fetcher.present(file) for file in required):
        return []
    return fetch_all(fetcher, wanted)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: the client too, and what came is kept
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("\nStopped. What came is kept; the same command goes on from there.")
        sys.exit(130)
    except OSError as error:
        say(f"Cannot go on: {error}")
        sys.exit(1)
