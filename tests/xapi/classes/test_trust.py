"""Whom the pool trusts and what a host shows: files, bundles and records that agree; texts that are refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.xapi.classes.client import Client
from xapi.classes.certificate import REVOKED, SERVER, TRUSTED
from xapi.classes.trust import BUNDLE, BY_PURPOSE

NOW = datetime.now(UTC)
PEM = serialization.Encoding.PEM


class Issued:
    """A self-signed certificate and its key, as PEM."""

    def __init__(self, *, authority: bool = False, start: int = -1, end: int = 30, bits: int = 2048) -> None:
        self.secret = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
        self.made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.secret.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=start)).not_valid_after(NOW + timedelta(days=end))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self.secret, hashes.SHA256())
        )  # fmt: skip
        self.text = self.made.public_bytes(PEM).decode()
        self.key = self.secret.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    def revocations(self) -> str:
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.made.subject)
        builder = builder.last_update(NOW).next_update(NOW + timedelta(days=1))
        return builder.sign(self.secret, hashes.SHA256()).public_bytes(PEM).decode()


@pytest.fixture(scope="module")
def authority() -> Issued:
    return Issued(authority=True)


@pytest.fixture(scope="module")
def server() -> Issued:
    return Issued()


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


async def test_an_authority_is_a_file_a_line_of_the_bundle_and_a_record(client: Client, authority: Issued) -> None:
    assert await client("pool.install_ca_certificate", "lab.pem", authority.text) is None
    assert client.root.under(f"{TRUSTED}/lab.pem").read_text() == authority.text
    assert client.root.under(BUNDLE).read_text() == authority.text
    assert await client("pool.certificate_list") == await client("host.certificate_list", client.host) == ["lab.pem"]
    (record,) = (r for r in (await client("Certificate.get_all_records")).values() if r["type"] == "ca")
    fingerprint = authority.made.fingerprint(hashes.SHA256()).hex(":").upper()
    assert (record["name"], record["fingerprint_sha256"], record["host"]) == ("lab.pem", fingerprint, "OpaqueRef:NULL")
    assert await client("pool.install_ca_certificate", "lab.pem", authority.text) == ["CERTIFICATE_ALREADY_EXISTS", "lab.pem"]
    assert await client("pool.uninstall_ca_certificate", "lab.pem", False) is None
    assert not client.root.under(BUNDLE).exists() and client.db.where("Certificate", type="ca") == []
    assert await client("pool.uninstall_ca_certificate", "lab.pem", False) == ["CERTIFICATE_DOES_NOT_EXIST", "lab.pem"]
    assert await client("pool.uninstall_ca_certificate", "lab.pem", True) is None


@pytest.mark.parametrize("name", ["", "../lab.pem", ".hidden", "a b", "x" * 300, "a\0b", "dir/lab.pem"])
async def test_names_that_are_no_plain_file_names(client: Client, authority: Issued, name: str) -> None:
    assert await client("pool.install_ca_certificate", name, authority.text) == ["CERTIFICATE_NAME_INVALID", name]
    assert await client("host.uninstall_ca_certificate", client.host, name, True) == ["CERTIFICATE_NAME_INVALID", name]
    assert await client("pool.crl_install", name, authority.revocations()) == ["CRL_NAME_INVALID", name]


async def test_texts_that_are_no_certificates(client: Client, authority: Issued) -> None:
    for text in ("", "x", authority.text[:-60], authority.key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        assert await client("pool.install_ca_certificate", "lab.pem", text) == ["CERTIFICATE_CORRUPT", "lab.pem"]
        assert await client("pool.crl_install", "lab.pem", text) == ["CRL_CORRUPT", "lab.pem"]
    assert await client("pool.certificate_list") == []


async def test_lists_of_revoked_certificates(client: Client, authority: Issued) -> None:
    assert await client("pool.crl_install", "lab.crl", authority.revocations()) is None
    assert await client("pool.crl_install", "lab.crl", authority.revocations()) == ["CRL_ALREADY_EXISTS", "lab.crl"]
    assert client.root.under(f"{REVOKED}/lab.crl").exists() and await client("pool.crl_list") == ["lab.crl"]
    assert await client("pool.crl_uninstall", "lab.crl") is None
    assert await client("pool.crl_uninstall", "lab.crl") == ["CRL_DOES_NOT_EXIST", "lab.crl"]


async def test_trust_by_purpose_is_bundled_by_purpose(client: Client, authority: Issued, server: Issued) -> None:
    pool, root = client.pool, client.root
    assert await client("pool.install_trusted_certificate", pool, True, authority.text, []) is None
    assert await client("pool.install_trusted_certificate", pool, False, server.text, ["licensing", "ldaps"]) is None
    assert root.under(f"{BY_PURPOSE}/ca-bundle-general.pem").read_text() == authority.text
    assert root.under(f"{BY_PURPOSE}/pinned-bundle-ldaps.pem").read_text() == server.text
    again = await client("pool.install_trusted_certificate", pool, True, authority.text, [])
    assert again == ["TRUSTED_CERTIFICATE_ALREADY_EXISTS", authority.made.fingerprint(hashes.SHA256()).hex(":").upper()]
    (pinned,) = client.db.where("Certificate", type="pinned")
    assert await client("Certificate.get_purpose", pinned) == ["licensing", "ldaps"]
    assert await client("pool.uninstall_trusted_certificate", pool, pinned) is None
    assert not root.under(f"{BY_PURPOSE}/pinned-bundle-ldaps.pem").exists()
    own = client.db.create("Certificate", type="host", host=client.host)
    assert await client("pool.uninstall_trusted_certificate", pool, own) == ["NOT_TRUSTED_CERTIFICATE", own]


async def test_what_is_not_to_be_trusted(client: Client, server: Issued) -> None:
    async def refusal(issued: Issued, ca: bool, purpose: list[str]) -> str:
        return str((await client("pool.install_trusted_certificate", client.pool, ca, issued.text, purpose))[0])

    assert await refusal(server, True, []) == "TRUSTED_CERTIFICATE_INVALID"
    assert await refusal(server, False, []) == "CERTIFICATE_LACKS_PURPOSE"
    assert await refusal(Issued(start=5), False, ["ldaps"]) == "TRUSTED_CERTIFICATE_NOT_VALID_YET"
    assert await refusal(Issued(start=-9, end=-2), False, ["ldaps"]) == "TRUSTED_CERTIFICATE_EXPIRED"


async def test_a_hosts_own_certificate_is_replaced_and_recorded(client: Client, server: Issued) -> None:
    assert await client("host.install_server_certificate", client.host, server.text, server.key, "") is None
    path = client.root.under(SERVER)
    assert path.stat().st_mode & 0o777 == 0o400 and server.text.strip() in path.read_text()
    assert await client("host.get_server_certificate", client.host) == server.text
    (record,) = client.db.where("Certificate", type="host", host=client.host)
    first = await client("Certificate.get_fingerprint_sha256", record)
    assert first == server.made.fingerprint(hashes.SHA256()).hex(":").upper()
    assert await client("host.reset_server_certificate", client.host) is None
    assert await client("Certificate.get_fingerprint_sha256", record) != first


async def test_pairs_that_do_not_fit(client: Client, server: Issued) -> None:
    async def refusal(text: str, key: str, chain: str = "") -> list[str]:
        return list(await client("host.install_server_certificate", client.host, text, key, chain))

    curve = ec.generate_private_key(ec.SECP256R1())
    curve_key = curve.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    small, late, old = Issued(bits=1024), Issued(start=3), Issued(start=-9, end=-3)
    assert await refusal(server.text, "key") == ["SERVER_CERTIFICATE_KEY_INVALID"]
    assert (await refusal(server.text, curve_key))[0] == "SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED"
    assert await refusal(small.text, small.key) == ["SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED", "1024"]
    assert await refusal("x", server.key) == ["SERVER_CERTIFICATE_INVALID"]
    assert await refusal(late.text, server.key) == ["SERVER_CERTIFICATE_KEY_MISMATCH"]
    assert (await refusal(late.text, late.key))[0] == "SERVER_CERTIFICATE_NOT_VALID_YET"
    assert (await refusal(old.text, old.key))[0] == "SERVER_CERTIFICATE_EXPIRED"
    assert await refusal(server.text, server.key, "chain") == ["SERVER_CERTIFICATE_CHAIN_INVALID"]
    assert not client.root.under(SERVER).exists()
