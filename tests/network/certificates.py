"""A certificate for localhost, made for one run."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.network.programs import find


@dataclass(frozen=True)
class Certificate:
    """Its texts in PEM."""

    certificate: str
    key: str


def make(folder: Path) -> Certificate:
    openssl = find("openssl")
    assert openssl, "openssl is not installed"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return Certificate(certificate.read_text(), key.read_text())
