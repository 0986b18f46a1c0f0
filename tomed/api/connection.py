"""One connection of a client: what aiohttp refuses before any handler is asked is a problem too (RFC 9457)."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from tomed.api import problem

NO_HTTP = "tomed could not read this request: it is not HTTP as it should be."
LONG_LINE = "The address or a header of this request is longer than tomed takes (8 KiB)."


class Connection(web.RequestHandler):
    """aiohttp's own, but for its answers to what is no request: those are text, and quote what they refuse.

    Nobody knows whether a page was wanted, since nothing was read; so a browser gets the problem as well.
    """

    __slots__ = ()

    def __init__(self, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(manager, loop=loop, access_log=None)  # type: ignore[arg-type]

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to bytes that are no HTTP, after which the connection is closed. aiohttp's own sentence may
        quote the request, a token among it: it goes nowhere, not even to the log.

        Raises:
            ConnectionError: there is nobody, or nothing more, to be answered.
        """
        if isinstance(exc, ConnectionError):  # hung up: nobody is there to be told
            raise exc
        if request.writer.output_size > 0:  # the answer has begun, and can't become another one
            raise ConnectionError("the answer was broken off") from exc
        if isinstance(exc, LineTooLong):
            answer = problem.problem(431, "too_large", LONG_LINE)
        elif isinstance(exc, HttpProcessingError):
            answer = problem.problem(400, "invalid", NO_HTTP)
        else:  # a fault in what shapes the answers to faults
            answer = problem.of_exception(request, exc or TimeoutError(message))
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.force_close()
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. What is refused outside of our middleware is shaped here: an ``Expect`` that nobody meets."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = problem.of_http(resp)
        return await super().finish_response(request, resp, start_time)
