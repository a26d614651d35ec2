"""Hosts of one checkout: a folder and a loopback address each."""

from pathlib import Path

import pytest

from embedded.layout import named


def test_a_hosts_number_is_its_address() -> None:
    host = named("host3", Path("/src"))
    assert host.folder == Path("/src/var/host3")
    assert host.http_url == "http://127.0.0.3:8080"
    assert host.tls_url == "https://127.0.0.3:8443"


@pytest.mark.parametrize("name", ["", "host0", "host100", "../host1", "host1/", "guest1"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a host is called"):
        named(name)
