"""``GET /openapi.json``: the route table as an OpenAPI 3.1 document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tomed import __version__
from tomed.api import shapes
from tomed.api.auth import public
from tomed.api.schemas import SCHEMAS

if TYPE_CHECKING:
    from tomed.api.routes import Route

ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("api_routes", tuple)

PREFIX = "/api/v1"

WHOLE_NUMBERS = frozenset({"page", "per_page", "series_id"})


@public
async def document(request: web.Request) -> web.Response:
    """The document itself; it needs no token, because it says nothing that the protocol page does not."""
    return shapes.answer(describe(request.config_dict[ROUTES]))


def describe(routes: tuple[Route, ...]) -> dict[str, Any]:
    """An OpenAPI 3.1 document of the routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tomed",
            "version": __version__,
            "description": "Reading positions, sessions and books of a Calibre library.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "browser": {"type": "apiKey", "in": "cookie", "name": "tomed_session"},
            },
            "responses": {
                "Problem": {
                    "description": "What is wrong, as a sentence and a code.",
                    "content": {"application/problem+json": {"schema": _ref("Problem")}},
                }
            },
        },
        "security": [{"token": []}, {"browser": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    summary = (route.handler.__doc__ or "").strip().splitlines()[0]
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{route.handler.__name__}",
        "summary": summary,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": _parameter(name)}
                for name in _path_names(route)
            ),
            *({"name": name, "in": "query", "schema": _parameter(name)} for name in route.query),
        ],
        "responses": {
            str(route.status): {"description": "Done.", "content": {route.media: _content(route)}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    if getattr(route.handler, "public", False):
        operation["security"] = []
    return operation


def _content(route: Route) -> dict[str, Any]:
    return {"schema": _ref(route.answer)} if route.answer else {}


def _path_names(route: Route) -> list[str]:
    return re.findall(r"{(\w+)}", route.path)


def _parameter(name: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1} if name in WHOLE_NUMBERS else {"type": "string"}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
