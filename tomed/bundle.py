"""The KOReader plugin as a download: a zip with the server's address and the device's key baked in.

The key ends up in a Lua file, so its text is written as a Lua string literal whose every unusual byte is a decimal
escape: no address, name or key can become code.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tomed.errors import Invalid, NotFound

FOLDER = "tomesync.koplugin"
DEFAULTS = "tomesync_defaults.lua"
_EPOCH = (2020, 1, 1, 0, 0, 0)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-./:@+=,~")
_VERSION = re.compile(r'return\s+"(\d+\.\d+\.\d+[^"]*)"')


def plugin_folder() -> Path:
    """The folder that holds ``tomesync.koplugin``: beside the package in a checkout, inside it in an installed wheel.

    Raises:
        NotFound: neither is there (a broken installation).
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "plugin", package.parent / "plugin"):
        if (folder / FOLDER / "main.lua").is_file():
            return folder
    raise NotFound("The KOReader plugin is not part of this installation: install tomed again.")


def plugin_version(folder: Path) -> str:
    """The version that the plugin under ``folder`` tells the server, such as ``0.1.0``."""
    text = (folder / FOLDER / "tomesync" / "version.lua").read_text("utf-8")
    found = _VERSION.search(text)
    if found is None:
        raise Invalid("The plugin's version file has no version.")
    return found[1]


def lua_string(text: str) -> str:
    """``text`` as a Lua string literal (UTF-8 bytes); anything but plain letters, digits and a few signs is escaped."""
    return '"' + "".join(chr(b) if b in _PLAIN else f"\\{b:03d}" for b in text.encode("utf-8", "replace")) + '"'


def defaults_lua(server_url: str, token: str, device_name: str = "") -> str:
    """The Lua file that tells the plugin its server, key and (optionally) the device's name."""
    lines = [
        "-- What this copy of the plugin was made for. The key opens your library's door: keep the file to yourself.",
        "return {",
        f"    server = {lua_string(server_url.strip().rstrip('/'))},",
        f"    token = {lua_string(token)},",
    ]
    if device_name:
        lines.append(f"    device_name = {lua_string(device_name)},")
    return "\n".join([*lines, "}", ""])


def build(plugin_dir: Path, server_url: str, token: str, device_name: str = "") -> bytes:
    """The plugin as a zip, to be unpacked in KOReader's ``plugins`` folder. The same input gives the same bytes.

    Args:
        plugin_dir: the folder that holds ``tomesync.koplugin``; see :func:`plugin_folder`.
        server_url: what the device shall call, ``http://`` or ``https://``.
        token: the device's key, as shown once by ``tomed token create``.
        device_name: how the device is called in statistics; empty leaves it to the device.

    Raises:
        Invalid: the address is none that a device could call.
    """
    if not re.match(r"https?://[^/\s]", server_url.strip()):
        raise Invalid("The server's address must begin with http:// or https:// and name a host.")
    root = plugin_dir / FOLDER
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if not path.is_file() or name.startswith(".") or "/." in name or path.suffix not in {".lua", ".po", ".mo"}:
                continue
            data = defaults_lua(server_url, token, device_name).encode() if name == DEFAULTS else path.read_bytes()
            info = zipfile.ZipInfo(f"{FOLDER}/{name}", _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Update:
    """What a device needs to renew its plugin: ``files`` is a JSON text, and ``sha256`` that of its bytes (hex)."""

    version: str
    files: bytes
    sha256: str


def update(plugin_dir: Path) -> Update:
    """The plugin's code without address, key and way back: what a device may replace by itself."""
    root = plugin_dir / FOLDER
    paths = [root / "main.lua", root / "_meta.lua", *sorted((root / "tomesync").glob("*.lua"))]
    version = plugin_version(plugin_dir)
    files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    body = json.dumps({"version": version, "files": files}, ensure_ascii=False, sort_keys=True).encode()
    return Update(version, body, hashlib.sha256(body).hexdigest())
