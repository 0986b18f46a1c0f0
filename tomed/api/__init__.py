"""JSON over HTTP, and nothing else: parse, call the use case, shape the answer."""

from tomed.api.routes import setup

__all__ = ["setup"]
