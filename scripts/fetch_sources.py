"""Where a pinned file may come from: an address, a path, packages of a registry. Each leaves the file in place with the
pinned sha256, or raises Unavailable with a word why. Packages are fetched by pip and npm as archives and read as zip or
tar: nothing that is downloaded is ever installed, imported or run. Knows no list of pins and no order of sources.
"""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from fetch_report import CHUNK_BYTES, NotPinned, Progress, SaidBefore, Unavailable, say, sha256_of, size

CONNECT_TIMEOUT_S = 5  # an address that is not reached by then is left for the next source
READ_TIMEOUT_S = 30  # silence on an open connection
URL_TRIES = 4  # each goes on where the last one stopped
RETRY_PAUSE_S = 0.5  # once, twice, three times this between them
CLIENT_TIMEOUT_S = 1800  # one package, by pip or npm, on a slow line

# Wheels are chosen by these, not by the Python that runs this script: the pinned library is the one of this wheel.
WHEEL_FLAGS = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--python-version", "3.11",
               "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
WHEEL_FLAGS += [flag for tag in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
                for flag in ("--platform", f"{tag}_x86_64")]


NO_CONNECTION = r"connection broken|[Tt]imed out|Max retries|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ENETUNREACH"


class Unreachable(Unavailable):
    """The registry or its client, rather than this package: the others need not be tried."""


class Sources:
    def __init__(self, downloads):
        self.downloads = downloads
        self.archives = downloads / "packages"
        self.unreached = {}  # host -> why, so that each is waited for once a run

    def fetch(self, file, source, place):
        kind = source["kind"]
        place.parent.mkdir(parents=True, exist_ok=True)
        tree = next((other for other in file["source"] if other["kind"] == "pypi_tree"), None)
        if kind == "own" and tree:  # the user's own copy of the archive
            archive = {"name": file["name"], "bytes": tree["download_bytes"], "sha256": tree["sha256"], "source": []}
            self.fetch(archive, source, self.archive_path("pypi", tree["package"]))
            self.unpack_tree(file, tree, place)
        elif kind == "pypi_tree":
            self.unpack_tree(file, source, place)
        elif kind in ("pypi", "npm"):
            self.join_parts(file, source, place)
        elif kind == "own" and "://" not in source["url"]:
            self.copy_own(file, Path(source["url"]).expanduser(), place)
        else:
            self.download(file, source["url"], place)

    def partial(self, file, kind):
        return self.downloads / f"{file['name']}.{file['sha256'][:12]}.{kind}.partial"

    def finish(self, file, partial, place):
        found = sha256_of(partial, file["name"])
        if found != file["sha256"]:
            partial.unlink()
            raise NotPinned(f"what came is not the pinned file (sha256 {found}, pinned {file['sha256']})")
        partial.chmod(0o644)
        try:
            os.replace(partial, place)
        except OSError:  # VIVAVOCE_MODELS_DIR may be on another disk
            beside = place.with_name(place.name + ".new")
            shutil.copyfile(partial, beside)
            os.replace(beside, place)
            partial.unlink()

    def copy_own(self, file, path, place):
        if not path.is_file():
            raise Unavailable(f"no file {path}")
        if path.stat().st_size != file["bytes"]:
            raise NotPinned(f"{path} has {path.stat().st_size} bytes, the pinned file {file['bytes']}")
        partial = self.partial(file, "own")
        shutil.copyfile(path, partial)
        self.finish(file, partial, place)

    # --- an address ----------------------------------------------------------------------------------------------

    def download(self, file, url, place):
        self.reach(url)
        partial = self.partial(file, "url")
        for attempt in range(1, URL_TRIES + 1):
            before = partial.stat().st_size if partial.exists() else 0
            try:
                self.continue_download(file, url, partial)
                resumed = before > 0
                try:
                    return self.finish(file, partial, place)
                except NotPinned:
                    if not resumed:  # what was begun by another run may be the bad part: once more from the start
                        raise
            except urllib.error.HTTPError as why:
                if why.code == 416:  # the partial file is not a beginning of this one
                    partial.unlink(missing_ok=True)
                elif why.code < 500 or attempt == URL_TRIES:
                    raise Unavailable(f"it answered {why.code} {why.reason}") from why
            except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as why:
                reason = getattr(why, "reason", why)
                now = partial.stat().st_size if partial.exists() else 0
                if attempt == URL_TRIES or (now == before and attempt > 1):
                    raise Unavailable(f"{reason} (what came is kept; the next run goes on from {size(now)})") from why
                time.sleep(attempt * RETRY_PAUSE_S)
        raise Unavailable("it did not give the whole file")

    def continue_download(self, file, url, partial):
        done = partial.stat().st_size if partial.exists() else 0
        if done == file["bytes"]:
            return
        headers = {"User-Agent": "vivavoce-setup", "Accept-Encoding": "identity"}
        if done:
            headers["Range"] = f"bytes={done}-"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=READ_TIMEOUT_S) as answer:
            if answer.status != 206:
                done = 0
            announced = answer.headers.get("Content-Length")
            if announced and done + int(announced) != file["bytes"]:
                raise NotPinned(f"it offers {done + int(announced)} bytes, the pinned file has {file['bytes']}")
            progress = Progress(file["name"], file["bytes"])
            with open(partial, "r+b" if done else "wb") as out:
                out.seek(done)
                while block := answer.read(CHUNK_BYTES // 4):
                    out.write(block)
                    done += len(block)
                    progress.at(done)
                    if done > file["bytes"]:
                        out.truncate(0)
                        raise NotPinned(f"more came than the {file['bytes']} pinned bytes")
            progress.end()
        if done < file["bytes"]:
            raise ConnectionError(f"the connection ended after {size(done)}")

    def reach(self, url):
        """Asks once a run whether a host answers at all, so that an offline machine does not wait for each file."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise Unavailable("only http and https addresses are read")
        host = parts.hostname or ""
        if urllib.request.getproxies().get(parts.scheme) and not urllib.request.proxy_bypass(host):
            return
        known = host in self.unreached
        if not known:
            found = []

            def probe():
                try:
                    socket.create_connection((host, parts.port or (80 if parts.scheme == "http" else 443)), CONNECT_TIMEOUT_S).close()
                    found.append(None)
                except OSError as why:
                    found.append(str(why))

            thread = threading.Thread(target=probe, daemon=True)  # the name's look-up has no time limit of its own
            thread.start()
            thread.join(CONNECT_TIMEOUT_S + 1)
            self.unreached[host] = found[0] if found else f"no answer within {CONNECT_TIMEOUT_S} s"
        if why := self.unreached[host]:
            raise (SaidBefore if known else Unavailable)(f"{host} is not reached ({why}); not tried again in this run")

    # --- packages ------------------------------------------------------------------------------------------------

    def join_parts(self, file, source, place):
        parts = [{"bytes": file["bytes"], "sha256": file["sha256"], **part} for part in source["parts"]]
        partial = self.partial(file, "parts")
        done, whole = self.whole_parts(partial, parts)
        if done and done < len(parts):
            say(f"  {file['name']}: {done} of {len(parts)} parts are there from before")
        progress = Progress(file["name"], file["bytes"])
        with open(partial, "r+b" if partial.exists() else "wb") as out:
            out.seek(whole)
            out.truncate()
            for number, part in enumerate(parts[done:], done + 1):
                label = file["name"] if len(parts) == 1 else f"{file['name']} part {number} of {len(parts)}"
                self.append_member(source["kind"], part, out, label)
                if len(parts) > 1:
                    progress.at(out.tell())
                    self.archive_path(source["kind"], part["package"]).unlink(missing_ok=True)
        progress.end()
        self.finish(file, partial, place)

    def whole_parts(self, partial, parts):
        """How many of the parts a file that was cut short holds whole, and how many bytes that is."""
        if not partial.exists():
            return 0, 0
        whole = 0
        with open(partial, "rb") as file:
            for number, part in enumerate(parts):
                block = file.read(part["bytes"])
                if hashlib.sha256(block).hexdigest() != part["sha256"]:
                    return number, whole
                whole += len(block)
        return len(parts), whole

    def append_member(self, kind, part, out, label):
        start = out.tell()
        for attempt in (1, 2):
            archive = self.archive(kind, part, label)
            try:
                digest = hashlib.sha256()
                with open_member(archive, part["member"]) as member:
                    while block := member.read(CHUNK_BYTES):
                        digest.update(block)
                        out.write(block)
                if digest.hexdigest() == part["sha256"]:
                    out.flush()
                    return
                why = f"{part['member']} in it has sha256 {digest.hexdigest()}, pinned {part['sha256']}"
            except (zipfile.BadZipFile, tarfile.TarError, KeyError, EOFError) as error:
                why = f"its archive cannot be read: {error}"
            out.seek(start)
            out.truncate()
            archive.unlink(missing_ok=True)  # perhaps damaged on this disk: fetched anew once
        raise NotPinned(f"{part['package']}: {why}")

    def archive_path(self, kind, package):
        return self.archives / (package.replace("==", "-").replace("@", "-") + (".tgz" if kind == "npm" else ".whl"))

    def archive(self, kind, part, label):
        """The package's archive, fetched unless an earlier file of this run, or a run that was cut short, did."""
        kept = self.archive_path(kind, part["package"])
        if kept.exists():
            return kept
        if kind in self.unreached:
            raise SaidBefore(self.unreached[kind])
        work = self.archives / f"{kept.name}.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            if kind == "npm":
                command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(work), part["package"]]
            else:
                command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--timeout", "20",
                           "--retries", "3", *WHEEL_FLAGS, "--dest", str(work), part["package"]]
            try:
                self.run_client(command, work, Progress(label, part["download_bytes"]))
            except Unreachable as why:
                self.unreached[kind] = str(why)
                raise
            got = [path for path in work.iterdir() if path.suffix in (".whl", ".tgz")]
            if len(got) != 1:
                raise Unavailable(f"{Path(command[0]).name} gave no archive of {part['package']}")
            os.replace(got[0], kept)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return kept

    def run_client(self, command, work, progress):
        """Runs pip or npm with its temporary files in `work`, whose growth is the progress that is shown."""
        if not shutil.which(command[0]):
            raise Unreachable(f"{command[0]} is not installed (scripts/setup installs it; by hand: apt-get install npm)")
        environment = {**os.environ, "TMPDIR": str(work), "PIP_REQUIRE_VIRTUALENV": "0", "npm_config_cache": str(work / "npm-cache"),
                       "npm_config_update_notifier": "false", "PYTHONWARNINGS": "ignore"}
        with open(work / "client.log", "w+b") as log:
            client = subprocess.Popen(command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            deadline = time.monotonic() + CLIENT_TIMEOUT_S
            try:
                while (code := poll(client)) is None:
                    progress.at(sum(grown(path) for path in work.rglob("*")))
                    if time.monotonic() > deadline:
                        raise Unavailable(f"{command[0]} was not done after {CLIENT_TIMEOUT_S} s")
            finally:
                if client.poll() is None:
                    client.kill()
                    client.wait()
                progress.end()
            if code != 0:
                log.seek(0)
                lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
                raise client_failure(command, lines)

    def unpack_tree(self, file, source, place):
        root = place.parent.parent
        part = {"package": source["package"], "download_bytes": source["download_bytes"]}
        for attempt in (1, 2):
            archive = self.archive("pypi", part, file["name"])
            if sha256_of(archive) == source["sha256"]:
                break
            archive.unlink()
            if attempt == 2:
                raise NotPinned(f"the archive of {source['package']} has another sha256 than the pinned one")
        fresh = self.downloads / f"{root.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with zipfile.ZipFile(archive) as wheel:
            files = unpack_folders(wheel, source, root.name, fresh)
        if sha256_of(fresh / place.relative_to(root)) != file["sha256"]:
            raise NotPinned(f"{file['path']} in {source['package']} is not the pinned file")
        (fresh / "contents.json").write_text(json.dumps({"archive": source["sha256"], "files": files}))
        fresh.chmod(0o755)
        old = self.downloads / f"{root.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if root.exists():
            os.replace(root, old)
        os.replace(fresh, root)
        shutil.rmtree(old, ignore_errors=True)


def unpack_folders(wheel, source, root_name, fresh):
    """Unpacks the named folders with their executable bits; returns each file's size and sha256 as it now is."""
    relink_from, relink_to = (source["relink"][end].encode() + b"\0" for end in ("from", "to"))
    files = {}
    for entry in wheel.infolist():
        folder = next((f for f in source["folders"] if entry.filename.startswith(f["from"] + "/")), None)
        if folder is None or entry.is_dir():
            continue
        below = folder["to"].removeprefix(root_name).strip("/") + entry.filename.removeprefix(folder["from"])
        parts = Path(below).parts
        if ".." in parts or Path(below).is_absolute():
            raise NotPinned(f"{entry.filename}: a path that leaves its folder")
        if any(below.startswith(out) if out.endswith("/") else below.endswith(out) for out in source["leave_out"]):
            continue
        data = wheel.read(entry)
        if data.startswith(b"\x7fELF"):
            data = data.replace(relink_from, relink_to.ljust(len(relink_from), b"\0"))
        path = fresh / below
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if (entry.external_attr >> 16) & 0o111 else 0o644)
        files[below] = [len(data), hashlib.sha256(data).hexdigest()]
    return files


@contextlib.contextmanager
def open_member(archive, member):
    if archive.suffix == ".tgz":
        with tarfile.open(archive) as tar:
            yield tar.extractfile(member)
    else:
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as file:
            yield file


def poll(client):
    try:
        return client.wait(0.2)
    except subprocess.TimeoutExpired:
        return None


def grown(path):
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def client_failure(command, lines):
    if any("No module named pip" in line for line in lines):
        return Unreachable("pip is missing (scripts/setup installs it; by hand: apt-get install python3-pip)")
    client = "npm" if command[0] == "npm" else "pip"
    if broken := next((line for line in lines if re.search(NO_CONNECTION, line)), None):
        return Unreachable(f"{client} does not reach its registry, and is not tried again in this run ({broken[:200]})")
    errors = [line for line in lines if "error" in line.lower() and "npm warn" not in line.lower()]
    return Unavailable(f"{client} failed: {(errors or lines or ['no word why'])[-1][:300]}")
