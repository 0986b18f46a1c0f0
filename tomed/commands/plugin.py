"""``tomed plugin build``: the KOReader plugin as a zip that is ready to use."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tomed import bundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``plugin build --server URL --token T -o FILE.zip``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="write the plugin with server and token inside")
    build.add_argument("--server", required=True, metavar="URL", help="the address that the e-reader uses")
    build.add_argument("--token", required=True, metavar="T", help="printed by: tomed token create USER --name DEVICE")
    build.add_argument("--name", default="", metavar="DEVICE", help="what the device calls itself")
    build.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.zip")


def run(arguments: argparse.Namespace) -> int:
    """Write the zip."""
    archive = bundle.build(bundle.plugin_folder(), arguments.server, arguments.token, arguments.name)
    arguments.output.write_bytes(archive)
    print(f"{arguments.output}: unpack it into KOReader's plugins folder and restart KOReader.", file=sys.stderr)
    return 0
