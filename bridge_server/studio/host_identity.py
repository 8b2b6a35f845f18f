"""What identifies a render host: its token, and the certificate it made. Kept in a folder of this user alone."""

from __future__ import annotations

import hashlib
import secrets
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge_server.platforms import make_private_folder, write_private, write_private_bytes
from daw_protocol.errors import ErrorCode, ProtocolError

TOKEN, KEY, CERTIFICATE = "token.txt", "key.pem", "certificate.pem"
TOKEN_BYTES = 32
YEARS = 30
OWNER = "Takebridge render host"


@dataclass(frozen=True)
class HostToken:
    """new: whether nobody can know it yet."""

    text: str
    new: bool


def kept_token(folder: Path) -> HostToken:
    """The host's token, made where there is none. Raises OSError."""
    path = folder / TOKEN
    try:
        found = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    if len(found) == len(secrets.token_urlsafe(TOKEN_BYTES)):
        return HostToken(found, False)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    make_private_folder(folder)
    write_private(path, token)
    return HostToken(token, True)


@dataclass(frozen=True)
class HostCertificate:
    """fingerprint: SHA-256 of the certificate, in hex."""

    context: ssl.SSLContext
    fingerprint: str


def kept_certificate(folder: Path, now: float) -> HostCertificate:
    """The host's certificate, made where there is none. now: seconds since 1970.

    Bridges compare its fingerprint and nothing else, so it is good for as long as it is there. Raises OSError, and
    ProtocolError without the package that makes certificates.
    """
    key, certificate = folder / KEY, folder / CERTIFICATE
    try:
        return _read(key, certificate)
    except (OSError, ValueError):  # none yet, or spoilt: a new one
        pass
    private, public = _made(datetime.fromtimestamp(now, UTC))
    make_private_folder(folder)
    write_private_bytes(key, private)
    write_private_bytes(certificate, public)
    return _read(key, certificate)


def _read(key: Path, certificate: Path) -> HostCertificate:
    """Raises OSError, as which ssl's errors count, or ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    return HostCertificate(context, hashlib.sha256(der).hexdigest())


def _made(now: datetime) -> tuple[bytes, bytes]:
    """A private key and its certificate, as PEM."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as missing:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "Other machines are let in by an encrypted connection only, and what makes its certificate is missing.",
            "pip install 'takebridge[studio]', or omit --lan and open a tunnel with ssh -L.",
            "lan",
        ) from missing
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, OWNER)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a clock may be a little behind
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)
