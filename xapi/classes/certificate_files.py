"""Certificates, keys and lists of revoked ones as files: what they say, whether they fit, bundles made of them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xapi.errors import XenAPIError, error
from xapi.server.context import wire_date

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,250}")
RSA_LENGTHS = range(2048, 4097)
_SIGNATURE_HASHES = frozenset({"sha256", "sha384", "sha512"})


class Corrupt(ValueError):
    """The text is not what it ought to be."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record of a certificate says."""

    not_before: datetime
    not_after: datetime
    sha256: str
    sha1: str
    is_authority: bool

    def fields(self) -> dict[str, str]:
        """Return them as fields of class Certificate."""
        return {
            "not_before": wire_date(self.not_before.timestamp()),
            "not_after": wire_date(self.not_after.timestamp()),
            "fingerprint": self.sha256,
            "fingerprint_sha256": self.sha256,
            "fingerprint_sha1": self.sha1,
        }


def read_certificates(pem: str) -> list["Certificate"]:
    """Return the certificates of a PEM text, at least one. :raises Corrupt:"""
    # Heavy, and needed rarely: not at start.
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem.encode())
    except (ValueError, UnicodeError) as reason:
        raise Corrupt(str(reason)) from reason


def check_revocations(pem: str) -> None:
    """:raises Corrupt: the text is no list of revoked certificates."""
    from cryptography.x509 import load_pem_x509_crl

    try:
        load_pem_x509_crl(pem.encode())
    except (ValueError, UnicodeError) as reason:
        raise Corrupt(str(reason)) from reason


def facts(certificate: "Certificate") -> Facts:
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    def digest(algorithm: SHA1 | SHA256) -> str:
        return certificate.fingerprint(algorithm).hex(":").upper()

    try:
        is_authority = certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        is_authority = False
    return Facts(
        certificate.not_valid_before_utc, certificate.not_valid_after_utc, digest(SHA256()), digest(SHA1()), is_authority
    )  # fmt: skip


def assert_server_pair(certificate: str, key: str, chain: str, now: datetime | None = None) -> None:
    """Check what a host is to show to clients. :raises XenAPIError: SERVER_CERTIFICATE_…"""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnicodeError):
        raise error("SERVER_CERTIFICATE_KEY_INVALID") from None
    except UnsupportedAlgorithm as reason:
        raise error("SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED", str(reason)) from reason
    if not isinstance(private, RSAPrivateKey):
        raise error("SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED", type(private).__name__)
    if private.key_size not in RSA_LENGTHS:
        raise error("SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED", private.key_size)
    try:
        shown = read_certificates(certificate)
    except Corrupt:
        raise error("SERVER_CERTIFICATE_INVALID") from None
    if len(shown) != 1:
        raise error("SERVER_CERTIFICATE_INVALID")
    if shown[0].public_key() != private.public_key():
        raise error("SERVER_CERTIFICATE_KEY_MISMATCH")
    hash_used = shown[0].signature_hash_algorithm
    if hash_used is None or hash_used.name not in _SIGNATURE_HASHES:
        raise error("SERVER_CERTIFICATE_SIGNATURE_NOT_SUPPORTED")
    _assert_in_time(facts(shown[0]), "SERVER_CERTIFICATE", now)
    if chain:
        try:
            read_certificates(chain)
        except Corrupt:
            raise error("SERVER_CERTIFICATE_CHAIN_INVALID") from None


def assert_trusted_in_time(known: Facts, now: datetime | None = None) -> None:
    """:raises XenAPIError: TRUSTED_CERTIFICATE_NOT_VALID_YET, TRUSTED_CERTIFICATE_EXPIRED."""
    _assert_in_time(known, "TRUSTED_CERTIFICATE", now)


def _assert_in_time(known: Facts, code: str, now: datetime | None) -> None:
    moment = now or datetime.now(UTC)
    shown = wire_date(moment.timestamp())
    if moment < known.not_before:
        raise error(f"{code}_NOT_VALID_YET", shown, known.fields()["not_before"])
    if moment > known.not_after:
        raise error(f"{code}_EXPIRED", shown, known.fields()["not_after"])


def assert_name(name: str, kind: str) -> None:
    """:raises XenAPIError: CERTIFICATE_NAME_INVALID or CRL_NAME_INVALID for what is no plain file name."""
    if not NAME.fullmatch(name):
        raise XenAPIError(f"{kind}_NAME_INVALID", [name])


def write_whole(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def make_bundle(bundle: Path, texts: Sequence[str]) -> None:
    """Write certificates as one file, for who wants a single file; without any there is none."""
    if texts:
        write_whole(bundle, "".join(text.rstrip("\n") + "\n" for text in texts))
    else:
        bundle.unlink(missing_ok=True)


def names_in(directory: Path) -> list[str]:
    """Return the names of what is installed in a directory: its plain files, neither links nor half-written ones."""
    if not directory.is_dir():
        return []
    return sorted(
        path.name for path in directory.iterdir() if path.is_file() and not path.is_symlink() and NAME.fullmatch(path.name)
    )
