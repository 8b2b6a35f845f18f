"""The key that signs this user's files: made on first use, kept on this machine, readable by this user alone.

Its certificate is this machine's own, issued by a root that was made with it and whose key is thrown away. It proves
that nothing was changed since, and by which machine it was signed; who that is, nobody has vouched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge_server.platforms import make_private_folder, write_private_bytes

KEY, CERTIFICATES = "key.pem", "certificates.pem"
YEARS = 10
OWNER = "Takebridge (this machine)"


@dataclass(frozen=True)
class LocalKey:
    """Both as PEM. certificates: of the key, then the root's."""

    key: bytes
    certificates: bytes


def local_key(folder: Path, now: float) -> LocalKey:
    """The key in a folder, made where there is none or it has expired. now: seconds since 1970. Raises OSError."""
    names = [folder / KEY, folder / CERTIFICATES]
    if all(path.is_file() for path in names):
        found = LocalKey(*(path.read_bytes() for path in names))
        if _is_valid(found, now):
            return found
    made = _make(datetime.fromtimestamp(now, UTC))
    make_private_folder(folder)
    write_private_bytes(names[0], made.key)
    write_private_bytes(names[1], made.certificates)
    return made


def _is_valid(found: LocalKey, now: float) -> bool:
    from cryptography import x509

    try:
        leaf, *_ = x509.load_pem_x509_certificates(found.certificates)
    except ValueError:
        return False
    return leaf.not_valid_before_utc.timestamp() <= now < leaf.not_valid_after_utc.timestamp()


def _make(now: datetime) -> LocalKey:
    """As C2PA asks of certificates (2.2, 14.5.1): P-256, for signing only, not its own issuer."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Takebridge local root", root_key.public_key(), root_key, None, now)
    leaf = _certificate("Takebridge local signer", key.public_key(), root_key, root, now)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return LocalKey(private, leaf.public_bytes(pem) + root.public_bytes(pem))


def _certificate(name: str, public: Any, issuer_key: Any, issuer: Any, now: datetime) -> Any:
    """issuer: its certificate; None for the root itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    names = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, OWNER),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    subject, is_root = x509.Name(names), issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if is_root else issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a clock may be a little behind
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(_usage(is_root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(usage, critical=False).add_extension(known, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(is_root: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
