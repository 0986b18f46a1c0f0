"""tomed beside its peers on the same library: ``python -m bench.peers [--books N]``.

Calibre's content server (Debian's ``calibre``) and Calibre-Web (PyPI, installed into an environment of its own beside
the sidecar) are measured where they are to be had; what is missing is said and left out. One client asks, one request
at a time: what counts is the server's processor time per answer, which a busy machine changes least.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.catalog import edit, fill
from bench.figures import say
from bench.load import Request, measure
from bench.process import Server, free_port, serving
from bench.service import running
from tests.web.books import chapter, make_epub
from tomed.demo.calibre_library import CalibreLibrary, LibraryBook

SMALL, LARGE = 1_000_000, 300_000_000
"""Bytes of the downloads."""

SECONDS, LARGE_SECONDS = 3.0, 12.0
VISIBLE_S = 15.0
"""How long an edit is waited for."""

AGENT = "tomed-bench"

CALIBRE_WEB = os.environ.get("CALIBRE_WEB", "")
"""Python of an environment that has Calibre-Web already."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server and how it is asked. Empty targets are not measured."""

    name: str
    server: Server
    start_s: float
    targets: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)

    def asked(self, target: str) -> Callable[[int], Request]:
        return lambda _: Request(target, headers=self.headers)

    def at_last(self, target: str) -> str:
        """Where ``target`` leads after its redirects."""
        request = urllib.request.Request(self.server.url + target, headers=dict(self.headers))
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.url).removeprefix(self.server.url)

    def text(self, target: str) -> str:
        request = urllib.request.Request(self.server.url + target, headers=dict(self.headers))
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The library, and the Calibre ids of a small and of a large book."""

    folder: Path
    small: int
    large: int


def epub(folder: Path, size: int) -> bytes:
    """A sound EPUB with one chapter and a picture's worth of bytes."""
    path = make_epub(folder / "made.epub", [chapter(1, 40)], extra={"p.jpg": ("image/jpeg", os.urandom(size))})
    content = path.read_bytes()
    path.unlink()
    return content


def shelf(folder: Path, books: int) -> Shelf:
    """Books without files, and two with one: 1 MB and 300 MB."""
    with CalibreLibrary.create(folder, columns=()) as library:
        fill(library, books)
        ids = [
            library.add(LibraryBook(title, ("Peer Author",), files={"EPUB": epub(folder, size)}))
            for title, size in (("Peer Small Book", SMALL), ("Peer Large Book", LARGE))
        ]
    return Shelf(folder, *ids)


@contextmanager
def tomed(shelf: Shelf, folder: Path) -> Iterator[Peer]:
    """The daemon; started twice, since its mirror is built once and for all."""
    data = folder / "data"
    with running(shelf.folder, data):
        pass
    began = time.perf_counter()
    port = free_port()
    words = ["serve", "--library", str(shelf.folder), "--data", str(data), "--port", str(port)]
    token = subprocess.run(
        [sys.executable, "-m", "tomed", "token", "create", "bench", "--name", "Peers", "--data", str(data)],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    began = time.perf_counter()
    with serving([sys.executable, "-m", "tomed", *words], port, "/api/v1/health") as server:
        took = time.perf_counter() - began
        peer = Peer("tomed", server, took, {}, {"Authorization": f"Bearer {token}"})
        found = re.findall(r'"book_uuid":"([^"]+)","title":"Peer (\w+)', peer.text("/api/v1/books?q=peer+book"))
        uuids = {kind: uuid for uuid, kind in found}
        targets = {
            "list of 50": "/api/v1/books?per_page=50",
            "search": "/api/v1/books?q=winter&per_page=50",
            "series feed": "/api/v1/series?per_page=50",
            "download of 1 MB": f"/api/v1/books/{uuids['Small']}/formats/EPUB",
            "download of 300 MB": f"/api/v1/books/{uuids['Large']}/formats/EPUB",
            "edit": f"/api/v1/books/{uuids['Small']}",
        }
        yield Peer("tomed", server, took, targets, peer.headers)


@contextmanager
def content_server(shelf: Shelf, folder: Path) -> Iterator[Peer]:
    """Calibre's own."""
    port = free_port()
    settings = folder / "calibre"
    settings.mkdir(exist_ok=True)
    command = ["calibre-server", "--listen-on", "127.0.0.1", "--port", str(port), "--disable-use-bonjour"]
    began = time.perf_counter()
    told = {"CALIBRE_CONFIG_DIRECTORY": str(settings)}
    with serving([*command, str(shelf.folder)], port, "/ajax/library-info", **told) as server:
        peer = Peer("Calibre's content server", server, time.perf_counter() - began, {})
        library = re.search(r'"default_library":\s*"([^"]+)"', peer.text("/ajax/library-info"))
        name = urllib.parse.quote(library[1]) if library else ""
        init = f"/interface-data/books-init?library_id={name}&sort=title.asc&num=50"
        targets = {
            "list of 50": init,
            "search": init + "&search=winter",
            "series feed": f"/opds/navcatalog/{b'Nseries'.hex()}",
            "download of 1 MB": f"/get/EPUB/{shelf.small}/{name}",
            "download of 300 MB": f"/get/EPUB/{shelf.large}/{name}",
            "edit": f"/ajax/book/{shelf.small}/{name}",
        }
        yield Peer(peer.name, server, peer.start_s, targets)


@contextmanager
def calibre_web(shelf: Shelf, folder: Path, python: Path) -> Iterator[Peer]:
    """Calibre-Web with its first user, signed in as a browser is."""
    settings = folder / "calibre-web"
    settings.mkdir(exist_ok=True)
    port = free_port()
    command = [str(python.parent / "cps"), "-p", str(settings / "app.db"), "-g", str(settings / "gdrive.db")]
    command += ["-i", "127.0.0.1", "-o", str(settings / "log")]
    told = {"CALIBRE_PORT": str(port), "HOME": str(settings)}
    with serving(command, port, "/", **told):
        pass  # makes its settings
    connection = sqlite3.connect(settings / "app.db")
    connection.execute("UPDATE settings SET config_calibre_dir = ?, config_port = ?", (str(shelf.folder), port))
    connection.commit()
    connection.close()
    began = time.perf_counter()
    with serving(command, port, "/login", **told) as server:
        took = time.perf_counter() - began
        cookies = _signed_in(server.url)
        targets = {
            "list of 50": "/",
            "search": "/search?query=winter",
            "series feed": "/series",
            "download of 1 MB": f"/download/{shelf.small}/epub/{shelf.small}.epub",
            "download of 300 MB": f"/download/{shelf.large}/epub/{shelf.large}.epub",
            "edit": f"/book/{shelf.small}",
        }
        yield Peer("Calibre-Web", server, took, targets, {"Cookie": cookies, "User-Agent": AGENT})


def _signed_in(url: str) -> str:
    """The cookies of Calibre-Web's first user."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [("User-Agent", AGENT)]  # its session holds for one kind of browser
    page = opener.open(url + "/login").read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    told = {"username": "admin", "password": "admin123", "csrf_token": token[1] if token else ""}
    opener.open(url + "/login", urllib.parse.urlencode(told).encode()).close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def installed(folder: Path) -> Path | None:
    """Python of an environment with Calibre-Web, made here when PyPI has it."""
    if CALIBRE_WEB:
        return Path(CALIBRE_WEB)
    environment = folder / "environment"
    python = environment / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", "calibreweb"], capture_output=True, check=False)
    return python if done.returncode == 0 else None


def visible(peer: Peer, shelf: Shelf, title: str) -> float | None:
    """Seconds until an edit made by another process is served; None when it never was."""
    stamp = "2037-01-01 00:00:00+00:00"
    edit(shelf.folder, f"UPDATE books SET title = '{title}', last_modified = '{stamp}' WHERE id = {shelf.small}")
    began = time.perf_counter()
    while True:
        seen = title in peer.text(peer.targets["edit"])
        spent = time.perf_counter() - began  # the answer that shows it counts too
        if seen or spent > VISIBLE_S:
            return spent if seen else None
        time.sleep(0.05)


def figures(peer: Peer, shelf: Shelf, number: int) -> dict[str, float]:
    """Everything that is measured of one server, said as it comes."""
    found = {"start to first answer, s": peer.start_s, "memory after start, MB": peer.server.memory_mb()}
    say(f"{peer.name}: start to first answer", peer.start_s, "s")
    for what in ("list of 50", "search", "series feed", "download of 1 MB", "download of 300 MB"):
        seconds = LARGE_SECONDS if "300" in what else SECONDS
        try:
            target = peer.at_last(peer.targets[what])
            got = measure(what, peer.server, peer.asked(target), connections=1, seconds=seconds)
        except (OSError, RuntimeError) as err:
            print(f"{peer.name}: {what} could not be measured: {err}")
            continue
        if got.failures:
            print(f"{peer.name}: {what}: {got.failures} of {got.requests} answers were refusals: left out")
            continue
        found[f"{what}, CPU ms"] = got.cpu_ms
        say(f"{peer.name}: {what}", got.cpu_ms, "ms CPU", None, f"{got.requests} answers, p50 {got.p50_ms:.1f} ms")
    seen = visible(peer, shelf, f"Peer Edited {number}")
    if seen is None:
        print(f"{peer.name}: an edit by another program was not visible within {VISIBLE_S:.0f} s")
    else:
        say(f"{peer.name}: edit by another program visible", seen, "s")
        found["edit visible, s"] = seen
    found["memory after all that, MB"] = peer.server.memory_mb()
    say(f"{peer.name}: memory after all that", found["memory after all that, MB"], "MB")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--books", type=int, default=10_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tomed-peers-") as name:
        folder = Path(name)
        library = shelf(folder / "Library", told.books)
        makers: list[Callable[[], object]] = [lambda: tomed(library, folder)]
        if shutil.which("calibre-server"):
            makers.append(lambda: content_server(library, folder))
        else:
            print("Calibre's content server is not installed (Debian: calibre): left out")
        if python := installed(folder):
            makers.append(lambda: calibre_web(library, folder, python))
        else:
            print("Calibre-Web can't be installed from PyPI here: left out")
        everything: list[tuple[str, dict[str, float]]] = []
        for number, make in enumerate(makers):
            with ExitStack() as stack:
                peer: Peer = stack.enter_context(make())  # type: ignore[arg-type]
                everything.append((peer.name, figures(peer, library, number)))
        ours = everything[0][1]
        for peer_name, theirs in everything[1:]:
            for what, value in theirs.items():
                if ours.get(what):
                    say(f"{peer_name} ÷ tomed: {what.rpartition(',')[0]}", value / ours[what], "×")


if __name__ == "__main__":
    main()
