"""The bodies of requests: the one place that waits for bytes of a client, and never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from aiohttp import StreamReader, web

from tomed.errors import TomedError

PATIENCE_S = 30
"""Seconds without a byte after which a body is given up: an e-reader's Wi-Fi that comes back needs a few."""
PIECE = 1 << 20
"""Bytes that may wait here for a handler that is busy writing earlier ones."""
TOO_LARGE = "The request is larger than tomed takes."

T = TypeVar("T")


async def arrived(coming: Awaitable[T]) -> T:
    """What a client is about to send: the next piece, or a whole form that fits in a packet or two.

    Raises:
        TomedError: ``timed_out``, it did not come.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await coming
    except TimeoutError as err:
        sentence = (
            f"The request stopped in the middle: nothing more of it came for {PATIENCE_S} seconds. Send it again."
        )
        raise TomedError(sentence, code="timed_out") from err


async def pieces(request: web.Request, most: int, too_large: str = TOO_LARGE) -> AsyncIterator[bytes]:
    """A body piece by piece, as it comes.

    Raises:
        TomedError: ``too_large``, it is longer than ``most`` bytes or says so; ``timed_out``.
    """
    size = request.content_length or 0  # told at once, and not when so much has come
    seen, content = 0, request.content
    content.set_read_chunk_size(min(most, PIECE))
    while size <= most and (piece := await _next(content)):
        seen += len(piece)
        size = max(size, seen)  # more than it says, when it was packed
        if size <= most:
            yield piece
    if size > most:
        raise TomedError(too_large, code="too_large")


async def _next(content: StreamReader) -> bytes:
    """What is there already comes without a clock: nearly every body does."""
    return await content.readany() if content.is_eof() else await arrived(content.readany())


async def whole(request: web.Request) -> bytes:
    """A body of at most the application's ``client_max_size`` bytes.

    Raises:
        TomedError: ``too_large`` or ``timed_out``.
    """
    return b"".join([piece async for piece in pieces(request, request.client_max_size)])
