"""A target of ``targets.py`` for atheris: ``python -m torture.guided NAME [libFuzzer's options] CORPUS``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["tomed"]):  # what is imported here tells which branches an input took
    from torture.targets import TARGETS, bounded

if __name__ == "__main__":
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda data: bounded(TARGETS[name], data))
    atheris.Fuzz()
