"""Tests of scripts/fetch.py on bad days: a line that breaks, a damaged file, a source that is gone, two runs at once.

Everything is made here: a server on the loopback address and wheels in a directory that the real pip reads. Run as
`python3 scripts/fetch_test.py`; nothing outside a temporary directory is touched and no network is used.
"""

import base64
import hashlib
import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

FETCH = Path(__file__).resolve().parent / "fetch.py"
RUN_LIMIT_S = 60


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; cuts the first `server.cuts[path]` answers in the middle; keeps each request's range."""

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append((self.path, wanted))
        if self.path not in server.files:
            return self.send_error(404)
        data, start = server.files[self.path], 0
        if wanted and server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        time.sleep(server.delay_s)
        if server.cuts.get(self.path, 0) > 0:
            server.cuts[self.path] -= 1
            self.wfile.write(data[start:(start + len(data)) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data[start:])

    def log_message(self, *arguments):
        pass


class Fetch(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.home = Path(temporary.name) / "home"
        self.wheels = Path(temporary.name) / "wheels"
        self.wheels.mkdir()
        self.pins = Path(temporary.name) / "pins.toml"
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files, self.server.cuts, self.server.requests = {}, {}, []
        self.server.ranges, self.server.delay_s = True, 0
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.data = random.Random(7).randbytes(300_000)

    # --- what the tests are made of ------------------------------------------------------------------------------

    def pin(self, *files):
        """Writes the list of pins. A JSON string, number or list is a TOML one; only tables inside need another form."""
        def value(thing):
            if isinstance(thing, dict):
                return "{ " + ", ".join(f'"{k}" = {value(v)}' for k, v in thing.items()) + " }"
            return "[" + ", ".join(map(value, thing)) + "]" if isinstance(thing, list) else json.dumps(thing)
        lines = []
        for file in files:
            lines += ["[[file]]"] + [f"{key} = {value(thing)}" for key, thing in file.items() if key != "source"]
            for source in file["source"]:
                lines += ["[[file.source]]"] + [f"{key} = {value(thing)}" for key, thing in source.items()]
        self.pins.write_text("\n".join(lines))

    def file(self, *sources, name="thing", data=None, **more):
        data = self.data if data is None else data
        return {"name": name, "role": f"what {name} does", "licence": "MIT", "path": f"models/{name}.bin", "bytes": len(data),
                "sha256": sha256(data), "source": list(sources), **more}

    def url(self, path="/thing"):
        return {"kind": "url", "url": self.base + path}

    def parts(self, *packages, pieces):
        return {"kind": "pypi", "parts": [
            {"package": f"{name}==1.0", "member": f"{name}/data.bin", "bytes": len(piece), "sha256": sha256(piece), "download_bytes": 1000}
            for name, piece in zip(packages, pieces)]}

    def wheel(self, name, members):
        """A wheel that pip accepts; members: path -> (bytes, executable)."""
        info = f"{name}-1.0.dist-info"
        metadata = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
                    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
        members = {**members, **{path: (text.encode(), False) for path, text in metadata.items()}}
        path, record = self.wheels / f"{name}-1.0-py3-none-any.whl", ""
        with zipfile.ZipFile(path, "w") as archive:
            for member, (data, executable) in members.items():
                entry = zipfile.ZipInfo(member)
                entry.external_attr = (0o100755 if executable else 0o100644) << 16
                archive.writestr(entry, data)
                record += f"{member},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
            archive.writestr(f"{info}/RECORD", record)
        return path

    def environment(self, **more):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("VIVAVOCE", "PIP_")) and "proxy" not in key.lower()}
        return {**kept, "VIVAVOCE_HOME": str(self.home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels),
                "PIP_CONFIG_FILE": os.devnull, **more}

    def start(self, *arguments, **environment):
        return subprocess.Popen([sys.executable, str(FETCH), "--pins", str(self.pins), *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment(**environment))

    def run_fetch(self, *arguments, expect=0, **environment):
        client = self.start(*arguments, **environment)
        output, _ = client.communicate(timeout=RUN_LIMIT_S)
        self.assertEqual(client.returncode, expect, output)
        return output

    def place(self, name="thing"):
        return self.home / "cache" / "models" / f"{name}.bin"

    # --- an address ----------------------------------------------------------------------------------------------

    def test_an_address_gives_the_file_and_a_second_run_asks_nobody(self):
        self.server.files["/thing"] = self.data
        self.pin(self.file(self.url()))
        self.assertIn("from 127.0.0.1, verified", self.run_fetch())
        self.assertEqual(self.place().read_bytes(), self.data)
        self.run_fetch()
        self.assertEqual(len(self.server.requests), 1)

    def test_a_broken_line_goes_on_where_it_stopped(self):
        self.server.files["/thing"], self.server.cuts["/thing"] = self.data, 2
        self.pin(self.file(self.url()))
        self.run_fetch()
        self.assertEqual(self.place().read_bytes(), self.data)
        half = len(self.data) // 2
        self.assertEqual([wanted for _, wanted in self.server.requests], [None, f"bytes={half}-", f"bytes={(half + len(self.data)) // 2}-"])

    def test_a_later_run_goes_on_where_an_ended_one_stopped(self):
        self.server.files["/thing"], self.server.cuts["/thing"] = self.data, 99
        self.pin(self.file(self.url()))
        self.assertIn("the next run goes on from", self.run_fetch(expect=1))
        self.assertFalse(self.place().exists())
        self.server.cuts, self.server.requests = {}, []
        self.run_fetch()
        self.assertEqual(self.place().read_bytes(), self.data)
        self.assertEqual(len(self.server.requests), 1)
        self.assertRegex(self.server.requests[0][1], r"bytes=2\d{5}-")

    def test_a_server_without_ranges_starts_again(self):
        self.server.files["/thing"], self.server.cuts["/thing"], self.server.ranges = self.data, 1, False
        self.pin(self.file(self.url()))
        self.run_fetch()
        self.assertEqual(self.place().read_bytes(), self.data)

    def test_other_bytes_of_the_same_length_are_refused_and_the_next_source_is_asked(self):
        self.server.files.update({"/bad": b"x" * len(self.data), "/thing": self.data})
        self.pin(self.file(self.url("/bad"), self.url()))
        self.assertIn("not the pinned file", self.run_fetch())
        self.assertEqual(self.place().read_bytes(), self.data)

    def test_another_length_is_refused_before_it_is_fetched(self):
        self.server.files["/thing"] = self.data + b"more"
        self.pin(self.file(self.url()))
        self.assertIn("it offers 300004 bytes", self.run_fetch(expect=1))

    def test_a_bad_beginning_left_by_another_run_is_thrown_away(self):
        self.server.files["/thing"] = self.data
        file = self.file(self.url())
        self.pin(file)
        (self.home / "cache/downloads").mkdir(parents=True)
        (self.home / f"cache/downloads/thing.{file['sha256'][:12]}.url.partial").write_bytes(b"y" * 1000)
        self.run_fetch()
        self.assertEqual(self.place().read_bytes(), self.data)

    # --- what is in place ----------------------------------------------------------------------------------------

    def test_a_damaged_file_is_found_and_fetched_again(self):
        self.server.files["/thing"] = self.data
        self.pin(self.file(self.url()))
        self.run_fetch()
        self.place().write_bytes(b"z" * len(self.data))
        self.run_fetch("--check", expect=1)
        self.assertIn("damaged", self.run_fetch())
        self.assertEqual(self.place().read_bytes(), self.data)

    def test_damage_that_kept_size_and_time_is_found_by_rehash(self):
        self.server.files["/thing"] = self.data
        self.pin(self.file(self.url()))
        self.run_fetch()
        stat = self.place().stat()
        self.place().write_bytes(b"z" * len(self.data))
        os.utime(self.place(), ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.run_fetch()
        self.assertNotEqual(self.place().read_bytes(), self.data)
        self.run_fetch("--rehash")
        self.assertEqual(self.place().read_bytes(), self.data)

    def test_a_file_put_there_by_hand_is_taken_as_it_is(self):
        self.pin(self.file(self.url("/nowhere")))
        self.place().parent.mkdir(parents=True)
        self.place().write_bytes(self.data)
        self.run_fetch()
        self.assertEqual(self.server.requests, [])

    def test_two_runs_fetch_once(self):
        self.server.files["/thing"], self.server.delay_s = self.data, 1
        self.pin(self.file(self.url()))
        runs = [self.start(), self.start()]
        outputs = [run.communicate(timeout=RUN_LIMIT_S)[0] for run in runs]
        self.assertEqual([run.returncode for run in runs], [0, 0], outputs)
        self.assertEqual(len(self.server.requests), 1)

    # --- packages ------------------------------------------------------------------------------------------------

    def test_parts_are_joined_and_whole_ones_are_kept(self):
        pieces = [self.data[:100_000], self.data[100_000:200_000], self.data[200_000:]]
        for name, piece in list(zip(("one", "two", "three"), pieces))[:2]:
            self.wheel(name, {f"{name}/data.bin": (piece, False)})
        self.pin(self.file(self.parts("one", "two", "three", pieces=pieces)))
        output = self.run_fetch(expect=1)
        self.assertIn("VIVAVOCE_SOURCE_THING", output)
        self.assertIn("what thing does", output)
        for wheel in self.wheels.iterdir():
            wheel.unlink()
        self.wheel("three", {"three/data.bin": (pieces[2], False)})
        self.assertIn("2 of 3 parts are there from before", self.run_fetch())
        self.assertEqual(self.place().read_bytes(), self.data)
        self.assertFalse((self.home / "cache/downloads/packages").exists())

    def test_a_damaged_beginning_of_parts_is_fetched_again_from_the_damaged_part(self):
        pieces = [self.data[:150_000], self.data[150_000:]]
        for name, piece in zip(("one", "two"), pieces):
            self.wheel(name, {f"{name}/data.bin": (piece, False)})
        file = self.file(self.parts("one", "two", pieces=pieces))
        self.pin(file)
        (self.home / "cache/downloads").mkdir(parents=True)
        (self.home / f"cache/downloads/thing.{file['sha256'][:12]}.parts.partial").write_bytes(pieces[0] + b"torn")
        self.assertIn("1 of 2 parts", self.run_fetch())
        self.assertEqual(self.place().read_bytes(), self.data)

    def test_what_a_broken_source_left_is_removed_once_another_gave_the_file(self):
        self.server.files["/thing"], self.server.cuts["/thing"] = self.data, 99
        self.wheel("one", {"one/data.bin": (self.data, False)})
        self.pin(self.file(self.url(), self.parts("one", pieces=[self.data])))
        self.run_fetch()
        self.assertEqual(sorted(path.name for path in (self.home / "cache/downloads").iterdir()), ["lock", "verified.json"])

    def test_a_package_that_was_replaced_is_refused(self):
        self.wheel("one", {"one/data.bin": (b"something else", False)})
        self.pin(self.file(self.parts("one", pieces=[self.data])))
        self.assertIn("pinned", self.run_fetch(expect=1))
        self.assertFalse(self.place().exists())

    def test_the_last_resort_stands_in_and_says_so(self):
        small = b"small model"
        self.wheel("small", {"small/data.bin": (small, False)})
        self.pin(self.file(self.url("/gone"), name="llm"),
                 self.file(self.parts("small", pieces=[small]), name="llm-small", data=small, fallback_for="llm"))
        output = self.run_fetch()
        self.assertIn("WARNING: llm could not be had, so llm-small stands in", output)
        self.assertEqual(self.place("llm-small").read_bytes(), small)
        self.server.files["/gone"] = self.data
        self.assertNotIn("WARNING", self.run_fetch())
        self.assertEqual(self.place("llm").read_bytes(), self.data)

    # --- an unpacked tree ----------------------------------------------------------------------------------------

    def tree(self, **members):
        program = b"\x7fELF " + b"$ORIGIN/../../../long.libs\0" + b"rest"
        archive = self.wheel("server", {"server/inner/bin/run": (program, True), "server/inner/share/note": (b"note", False),
                                        "server/inner/lib/left.a": (b"archive", False), "long.libs/own.so": (b"library", False), **members})
        return {"name": "server", "role": "serves", "licence": "MIT", "path": "pg/bin/run", "bytes": len(program),
                "sha256": sha256(b"\x7fELF " + b"$ORIGIN/../lib".ljust(26, b"\0") + b"\0rest"), "source": [
                    {"kind": "pypi_tree", "package": "server==1.0", "download_bytes": 1000, "sha256": sha256(archive.read_bytes()),
                     "folders": [{"from": "server/inner/bin", "to": "pg/bin"}, {"from": "server/inner/share", "to": "pg/share"},
                                 {"from": "server/inner/lib", "to": "pg/lib"}, {"from": "long.libs", "to": "pg/lib"}],
                     "leave_out": [".a"], "relink": {"from": "$ORIGIN/../../../long.libs", "to": "$ORIGIN/../lib"}}]}

    def test_a_tree_keeps_its_bits_and_finds_its_libraries(self):
        self.pin(self.tree())
        self.run_fetch()
        root = self.home / "cache/pg"
        self.assertTrue(os.access(root / "bin/run", os.X_OK))
        self.assertFalse(os.access(root / "share/note", os.X_OK))
        self.assertIn(b"$ORIGIN/../lib\0", (root / "bin/run").read_bytes())
        self.assertEqual((root / "lib/own.so").read_bytes(), b"library")
        self.assertFalse((root / "lib/left.a").exists())

    def test_a_tree_that_lost_a_file_is_unpacked_again(self):
        self.pin(self.tree())
        self.run_fetch()
        (self.home / "cache/pg/share/note").unlink()
        self.run_fetch()
        self.assertEqual((self.home / "cache/pg/share/note").read_bytes(), b"note")

    def test_a_tree_that_would_leave_its_folder_is_refused(self):
        self.pin(self.tree(**{"server/inner/bin/../../../../outside": (b"bad", False)}))
        self.assertIn("leaves its folder", self.run_fetch(expect=1))
        self.assertFalse((self.home / "outside").exists())

    # --- the user's own ------------------------------------------------------------------------------------------

    def test_the_users_own_file_is_taken_first(self):
        own = self.home.parent / "own.bin"
        own.write_bytes(self.data)
        self.pin(self.file(self.url()))
        self.assertIn("from your VIVAVOCE_SOURCE_THING", self.run_fetch(VIVAVOCE_SOURCE_THING=str(own)))
        self.assertEqual((self.place().read_bytes(), self.server.requests), (self.data, []))
        self.assertEqual(own.read_bytes(), self.data)

    def test_a_file_may_be_left_out_or_be_elsewhere(self):
        self.pin(self.file(self.url("/gone")), self.file(self.url("/gone"), name="library", unless_env="VIVAVOCE_ORT_LIB"))
        self.run_fetch(VIVAVOCE_SKIP="thing", VIVAVOCE_ORT_LIB="/somewhere")
        self.assertIn("names what is not in", self.run_fetch(expect=1, VIVAVOCE_SKIP="thnig"))

    def test_models_go_where_the_user_keeps_them(self):
        self.server.files["/thing"] = self.data
        self.pin(self.file(self.url()))
        self.run_fetch(VIVAVOCE_MODELS_DIR=str(self.home / "models"))
        self.assertEqual((self.home / "models/thing.bin").read_bytes(), self.data)


if __name__ == "__main__":
    unittest.main()
