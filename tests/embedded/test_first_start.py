"""The files of a first start: made once, secret where they must be, readable by the daemons' own parsers."""

import socket
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509

from embedded import first_start
from embedded.accelerator import Accelerator
from embedded.layout import Host, named
from idl.config import Config, parse_pairs, read_inventory


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return named("host2", tmp_path)


def test_the_inventory_says_who_the_host_is(host: Host) -> None:
    first_start.write_missing(host)
    found = read_inventory(host.root.inventory)
    assert UUID(found["INSTALLATION_UUID"]) != UUID(found["CONTROL_DOMAIN_UUID"])
    assert found["MANAGEMENT_ADDRESS_TYPE"] == "IPv4"
    assert found["PRODUCT_VERSION"]


def test_the_host_starts_as_coordinator_with_a_pool_secret(host: Host) -> None:
    first_start.write_missing(host)
    assert host.root.pool_conf.read_text() == "master"
    parts = host.root.pool_secret.read_text().split("/")
    assert len({UUID(part) for part in parts}) == 3


def test_xapi_is_told_where_to_listen(host: Host) -> None:
    first_start.write_missing(host)
    config = Config.load(host.root, "xapi")
    assert config.text("http-address", "") == "127.0.0.2"
    assert config.integer("http-port", 0) == 8080
    assert Path(config.text("root-password-file", "")).read_text().strip()


def test_secrets_are_for_root_alone(host: Host) -> None:
    first_start.write_missing(host)
    for path in (host.root.pool_secret, host.root_password, host.certificate):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_start_changes_nothing(host: Host) -> None:
    made = first_start.write_missing(host)
    before = {path: path.read_bytes() for path in made}
    assert first_start.write_missing(host) == []
    assert {path: path.read_bytes() for path in made} == before


def test_the_certificate_is_for_every_name_of_the_host(host: Host) -> None:
    first_start.write_missing(host)
    certificate = x509.load_pem_x509_certificate(host.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.2", "127.0.0.1"}
    assert {"localhost", socket.gethostname()} <= set(names.get_values_for_type(x509.DNSName))


def test_xenopsd_is_told_what_the_probe_found() -> None:
    text = first_start.settings(first_start.xenopsd_settings(Accelerator.TCG))
    assert dict(parse_pairs(text)) == {"hypervisor": "qemu", "accelerator": "tcg"}
