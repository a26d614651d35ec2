"""Port 80 closed to others; posting to services whose authority the pool trusts; what is asked before an update."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.xapi.classes.client import Client
from xapi.server.http import Door


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


class Transport(asyncio.Transport):
    """A connection of a peer, as far as the door looks at it when it is made."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 40000)})
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(("peer", "closed"), [("192.0.2.9", True), ("2001:db8::9", True), ("127.0.0.1", False), ("::1", False)])
async def test_only_the_tls_front_comes_in_without_tls(client: Client, peer: str, closed: bool) -> None:
    def is_refused() -> bool:
        transport, door = Transport(peer), Door(client.app, False)
        door.connection_made(transport)
        door.connection_lost(None)
        return transport.aborted

    assert not is_refused()
    await client("pool.set_https_only", client.pool, True)
    assert await client("host.get_https_only", client.host) is True and is_refused() is closed
    await client("host.set_https_only", client.host, False)
    assert not is_refused()


def self_signed(place: Path) -> Path:
    """Write key and certificate of 127.0.0.1, which is its own authority."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service")]), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    place.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(pem))
    return place


async def test_a_service_is_posted_to_if_its_authority_is_trusted(client: Client, tmp_path: Path) -> None:
    file = self_signed(tmp_path / "service.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST / HTTP/1.0\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\ngot " + await reader.readexactly(4))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        assert await client("pool.send_test_post", "127.0.0.1", port, "text") == ["TLS_CONNECTION_FAILED", "127.0.0.1", str(port)]
        await client("pool.install_ca_certificate", "service.pem", file.read_text())
        assert await client("pool.send_test_post", "127.0.0.1", port, "text") == "got text"
    finally:
        server.close()
    assert await client("pool.send_test_post", "a\r\nb", port, "") == ["INVALID_VALUE", "host", "a\r\nb"]
    assert await client("pool.send_test_post", "127.0.0.1", 0, "") == ["INVALID_VALUE", "port", "0"]


async def test_why_updates_could_not_be_installed(client: Client) -> None:
    metrics = client.db.get("host", client.host, "metrics")
    client.db.set("host_metrics", metrics, live=True)
    assert await client("pool.check_update_readiness", client.pool, True) == []
    guest = client.db.create("VM", power_state="Running", resident_on=client.host)
    gone = client.db.create("host")
    client.db.set("pool", client.pool, ha_enabled=True)
    assert await client("pool.check_update_readiness", client.pool, True) == [
        ["HA_IS_ENABLED"], ["HOST_OFFLINE", gone], ["VM_BAD_POWER_STATE", guest, "halted", "running"],
    ]  # fmt: skip


async def test_balancing_has_no_server(client: Client) -> None:
    client.db.set("pool", client.pool, wlb_url="old:8012", wlb_password=client.db.create("secret", value="x"), wlb_enabled=True)
    login = ("wlb", "x", "root", "y")
    assert await client("pool.initialize_wlb", "host", *login) == ["WLB_URL_INVALID", "host"]
    assert await client("pool.initialize_wlb", "host:8012", *login) == ["WLB_CONNECTION_REFUSED"]
    assert await client("pool.retrieve_wlb_recommendations") == ["WLB_NOT_INITIALIZED"]
    assert await client("pool.deconfigure_wlb") is None
    assert await client("pool.get_wlb_url", client.pool) == "" and client.db.count("secret") == 0


async def test_virtual_functions_that_are_left(client: Client) -> None:
    db = client.db
    device = db.create("PCI", host=client.host)
    functions = [db.create("PCI", host=client.host, physical_function=device) for _ in range(4)]
    vm, other = client.vm(), client.vm()
    db.set("VM", vm, attached_PCIs=[functions[0]])
    db.set("PCI", functions[1], scheduled_to_be_attached_to=other)
    db.create("VIF", VM=other, device="0", reserved_pci=functions[2])
    sriov = db.create("network_sriov", physical_PIF=db.create("PIF", host=client.host, PCI=device))
    assert await client("network_sriov.get_remaining_capacity", sriov) == 1
