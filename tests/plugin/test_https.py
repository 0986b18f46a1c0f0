"""https with a certificate of one's own: with its CA file it is verified, and a stranger's is refused."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.chromium import missing
from tests.plugin.device import Device, book
from tests.plugin.faultproxy import FaultProxy

pytestmark = pytest.mark.lua

READ = "S.open(book) S.turn(2, 20) S.close_book() S.run(5) S.settle()"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl is missing: apt-get install openssl")
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.mark.parametrize("trusted", [True, False])
def test_the_ca_file_decides(tmp_path: Path, trusted: bool) -> None:
    cert, key = certificate(tmp_path, "ours")
    other, _ = certificate(tmp_path, "other")
    with FaultProxy() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        device = Device(tmp_path / "device", server.url.replace("http://", "https://"))
        ask = 'S.tap("Settings > CA file") S.answer("Save", ca) '
        played = device.play(ask + READ, book=book(), ca=str(cert if trusted else other)).check()
        assert len(server.tomed.sessions) == (1 if trusted else 0)
        assert len(device.queued()) == (0 if trusted else 1)
        if not trusted:
            told = device.play('S.tap("Sync now") S.settle() S.run(1)').check()
            assert "certificate" in told.shown()
        assert played.of("menu_missing") == []
