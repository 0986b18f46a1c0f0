"""``tomed serve`` and ``tomed demo``: the daemon itself."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tomed import __version__
from tomed.api.connection import Connection
from tomed.app import build_app
from tomed.calibre.find import find_library
from tomed.clock import now_ms
from tomed.commands import add_data_arguments, load_config
from tomed.config import Config, LibraryConfig
from tomed.demo.library import build_demo_library
from tomed.errors import ConfigError
from tomed.progress import show_indexing
from tomed.services import SERVICES
from tomed.signing_in import first_invitation
from tomed.store.folder import only_one

SHUTDOWN_S = 1.0
"""How long open requests may go on after a signal; with this the daemon ends within two seconds."""


BACKLOG = 128
"""Connections that may wait to be taken."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``serve``."""
    parser.add_argument("--library", type=Path, action="append", metavar="DIR", help="a Calibre library (repeatable)")
    _add_address_arguments(parser)


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``demo``."""
    _add_address_arguments(parser)


def _add_address_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_arguments(parser)
    parser.add_argument("--host", metavar="H", help="address to listen on; 0.0.0.0 lets e-readers in")
    parser.add_argument("--port", type=int, metavar="P", help="port to listen on; 0 takes a free one")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    config = load_config(
        arguments, library=arguments.library, host=arguments.host, port=arguments.port, public_url=None
    )
    if not config.libraries:
        found = find_library()
        if found is None:
            raise ConfigError(
                "No Calibre library is configured, and Calibre's own settings name none. "
                "Say where it is: tomed serve --library /path/to/library"
            )
        config = replace(config, libraries=(LibraryConfig(found, found.name),))
    return serve(config)


def run_demo(arguments: argparse.Namespace) -> int:
    """Make the demo library once, then serve it."""
    config = load_config(arguments, host=arguments.host, port=arguments.port)
    if arguments.data is None:  # the demo's books have no business among one's own
        config = replace(config, data=config.data / "demo")
    folder = build_demo_library(config.data / "Demo Library")
    return serve(replace(config, libraries=(LibraryConfig(folder, "Demo Library"),)))


def serve(config: Config) -> int:
    """Run the daemon in this process; 0 after a clean stop.

    Raises:
        StoreError: another tomed uses the data folder; ConfigError: the address is taken.
    """
    logging.basicConfig(level=config.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it would tell of every edit in Calibre
    logging.getLogger("aiohttp.server").addFilter(foreseen)
    one_arena()
    with only_one(config.data):
        asyncio.run(_serve(config))
    return 0


M_ARENA_MAX = -8
"""The name of glibc's setting in its ``malloc.h``."""


def one_arena() -> None:
    """Let all threads allocate from one place, where the C library is glibc.

    By default each thread has its own, and keeps what it once needed: five megabytes of a daemon whose threads take
    turns anyway.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


FORESEEN = (HttpProcessingError, web.RequestPayloadError, ConnectionError)


def foreseen(record: logging.LogRecord) -> bool:
    """False for a request that is no HTTP, or that was hung up on: its traceback tells nothing and may quote it.

    Whoever sends noise would else fill the log, and a token in a broken header would stand in it.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], FORESEEN))


async def _serve(config: Config) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    app = build_app(config)
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
    await runner.setup()
    try:
        listening = await listen(runner, config)
        try:
            await announce(app, config, listening.sockets[0].getsockname()[1])
            showing = asyncio.ensure_future(show_indexing(app[SERVICES].indexer)) if sys.stderr.isatty() else None
            await stopping.wait()
            if showing is not None:
                showing.cancel()
        finally:
            listening.close()
    finally:
        await runner.cleanup()


async def listen(runner: web.AppRunner, config: Config) -> asyncio.Server:
    """Take connections from now on, each a ``Connection`` of ours (``web.TCPSite`` knows only aiohttp's own).

    Raises:
        ConfigError: the address is taken, or is none of this machine's.
    """
    loop, manager = asyncio.get_running_loop(), runner.server
    if manager is None:
        raise RuntimeError("a runner that is not set up takes no connections")
    connection = partial(Connection, manager, loop)
    try:
        return await loop.create_server(connection, config.host, config.port, reuse_address=True, backlog=BACKLOG)
    except OSError as err:
        raise ConfigError(f"tomed can't listen on {config.host} port {config.port}: {err.strerror}") from err


async def announce(app: web.Application, config: Config, port: int) -> None:
    """Say where tomed is, and how the first person gets in."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    if config.host in ("0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        host = os.uname().nodename
    address = config.public_url or f"http://{host}:{port}"
    names = ", ".join(library.name for library in config.libraries)
    lines = [f"tomed {__version__} serves {names}", f"  {address}/"]
    secret = await first_invitation(app[SERVICES].store, now_ms())
    if secret:
        lines.append(f"  Sign in for the first time (this link works once): {address}/welcome/{secret}")
    if config.host in ("127.0.0.1", "::1", "localhost") and not config.public_url:
        lines.append("  Only this machine can see it. For e-readers start it with --host 0.0.0.0")
    print("\n".join(lines), flush=True)
