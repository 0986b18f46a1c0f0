"""The commands of ``tomed``: one module each, with ``add_arguments(parser)`` and ``run(arguments) -> exit status``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tomed import config as configuration
from tomed.config import Config
from tomed.store.db import Store


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """``--data`` and ``--config``, which every command that touches the data takes."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="tomed's own data folder")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration file (TOML)")


def load_config(arguments: argparse.Namespace, **overrides: Any) -> Config:
    """The configuration that a command's arguments ask for. Raises ConfigError."""
    return configuration.load(arguments.config, data=arguments.data, **overrides)


def open_store(arguments: argparse.Namespace) -> Store:
    """The sidecar of the data folder that a command's arguments name. Raises ConfigError, StoreError."""
    return Store.open(load_config(arguments).database)
