"""The one middleware that turns errors into answers: problems for programs, a page for people."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from tomed.api import problem
from tomed.api.auth import is_api
from tomed.errors import TomedError
from tomed.services import ErrorPage

ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page", object)  # type: ignore[arg-type]


@web.middleware
async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error here, so that no handler shapes one."""
    try:
        return await handler(request)
    except TomedError as err:
        answer = problem.of_error(err)
        sentence = err.message
    except web.HTTPException as err:
        if err.status < 400:
            raise
        answer = problem.of_http(err)
        sentence = problem.SENTENCE.get(err.status, err.reason)
    except (
        HttpProcessingError,
        web.RequestPayloadError,
    ):  # the body is no gzip, or no chunks
        sentence = "The request's body is not in the form that its headers say."
        answer = problem.problem(400, "invalid", sentence)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception as err:
        answer = problem.of_exception(request, err)
        sentence = problem.SENTENCE[500]
    page = request.config_dict.get(ERROR_PAGE)
    shown: web.StreamResponse = answer
    if page is not None and not is_api(request) and "text/html" in request.headers.get("Accept", ""):
        shown = await page(request, answer.status, sentence)
    if shown.status == 408:  # the rest of that body may still come, and is no next request
        shown.force_close()
    return shown
