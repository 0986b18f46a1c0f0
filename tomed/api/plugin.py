"""``/plugin``: the plugin that this daemon has, for devices that renew theirs."""

from __future__ import annotations

from functools import lru_cache

from aiohttp import web

from tomed import bundle
from tomed.api import shapes


async def offer(request: web.Request) -> web.Response:
    """Version, size and SHA-256 of the plugin; a device takes only what sums up to that."""
    update = _update()
    return shapes.answer(
        {"service": "tomed", "version": update.version, "sha256": update.sha256, "size": len(update.files)}
    )


async def files(request: web.Request) -> web.Response:
    """The plugin's files as JSON, byte for byte what the offer's SHA-256 was told of."""
    return shapes.encoded(_update().files)


@lru_cache(maxsize=1)  # what is installed does not change under a running daemon
def _update() -> bundle.Update:
    return bundle.update(bundle.plugin_folder())
