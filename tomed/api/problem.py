"""Errors on the wire: ``application/problem+json`` (RFC 9457). The only place that knows which code is which status."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from tomed.errors import TomedError

log = logging.getLogger(__name__)

STATUS = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "no_match": 404,
    "ambiguous": 404,
    "method_not_allowed": 405,
    "timed_out": 408,
    "conflict": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported_type": 415,
    "range_not_satisfiable": 416,
    "plugin_too_old": 426,
    "too_many_requests": 429,
    "internal": 500,
    "store": 503,
    "library_missing": 503,
    "library_locked": 503,
    "library_unreadable": 503,
}
"""Code to status; a code that is not here is a fault of ours and becomes 500."""

CODE = {status: code for code, status in reversed(STATUS.items())} | {404: "not_found"}
"""Status to code, for what aiohttp itself refuses."""

SENTENCE = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is larger than tomed takes.",
    417: "The only thing to expect of tomed is 100-continue.",
    500: "tomed met an error that it did not foresee. Its log has the details.",
}


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    """A problem answer. ``more`` are further members, such as ``candidates``."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/problem+json", headers=headers
    )


def of_error(err: TomedError) -> web.Response:
    """The answer to an error that was foreseen. Only plain data of its details goes out."""
    status = STATUS.get(err.code, 500)
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in err.details:
        headers["Retry-After"] = str(err.details["retry_after_s"])
    if status >= 500:
        log.error("%s: %s", err.code, err.message)
    return problem(status, err.code, err.message, headers, **err.details.get("wire", {}))


def of_http(err: web.HTTPException) -> web.Response:
    """The answer to something that aiohttp refused (no route, wrong method, body too large)."""
    code = CODE.get(err.status, "invalid" if err.status < 500 else "internal")
    headers = {"Allow": err.headers["Allow"]} if "Allow" in err.headers else None
    return problem(err.status, code, SENTENCE.get(err.status, err.reason), headers)


def of_exception(request: web.BaseRequest, err: BaseException) -> web.Response:
    """The answer to what nobody foresaw: a plain sentence outside, the traceback in the log only."""
    log.exception("%s %s failed", request.method, request.path, exc_info=err)
    return problem(500, "internal", SENTENCE[500])
