"""Whom a host believes: certificates by host, one bundle of them, and nobody else."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded.certificate import self_signed
from idl.paths import Root
from xapi.pool import trust
from xapi.pool.peers import Peers, Unreachable


def certificate(name: str) -> tuple[str, str]:
    """Return (key and certificate, certificate alone)."""
    whole = self_signed(name, [name], [], datetime.now(UTC)).decode()
    return whole, whole[whole.index("-----BEGIN CERTIFICATE-----") :]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def test_hosts_are_believed_and_doubted(root: Root) -> None:
    first, second = certificate("one")[1], certificate("two")[1]
    trust.believe(root, {"one.pem": first, "two.pem": second})
    assert trust.members(root) == {"one.pem": first, "two.pem": second}
    trust.doubt(root, {"two"})
    assert root.under(trust.BUNDLE).read_text() == second


@pytest.mark.parametrize("name", ["../evil.pem", "a/b.pem", "none"])
def test_a_name_that_is_a_path_is_refused(root: Root, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        trust.believe(root, {name: "x"})


def test_what_is_no_certificate_is_recognised() -> None:
    assert trust.is_certificate(certificate("one")[1])
    assert not trust.is_certificate("")
    assert not trust.is_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


async def test_only_a_member_is_talked_to_and_anybody_without_verification(root: Root) -> None:
    """A real TLS server with a certificate of its own."""
    whole, alone = certificate("server")
    file = root.under(trust.OWN)
    file.parent.mkdir(parents=True)
    file.write_text(whole)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    peers = Peers(root, server.sockets[0].getsockname()[1])
    try:
        assert (await peers.connect("127.0.0.1")).usable
        trust.set_verifying(root, True)
        with pytest.raises(Unreachable):
            await peers.connect("127.0.0.1")
        trust.believe(root, {"other.pem": certificate("other")[1]})
        with pytest.raises(Unreachable):
            await peers.connect("127.0.0.1")
        trust.believe(root, {"server.pem": alone})
        assert (await peers.connect("127.0.0.1")).usable
    finally:
        server.close()
