"""Where a console is said to be: what a browser opens as it is."""

import pytest

from xapi.classes.console import location


@pytest.mark.parametrize(
    ("address", "port", "place"),
    [
        ("10.0.0.1", 443, "https://10.0.0.1/console?uuid=u"),
        ("127.0.0.9", 8443, "https://127.0.0.9:8443/console?uuid=u"),
        ("fe80::1", 443, "https://[fe80::1]/console?uuid=u"),
        ("fe80::1", 8443, "https://[fe80::1]:8443/console?uuid=u"),
    ],
)
def test_a_consoles_location_names_the_tls_port_unless_it_is_the_usual_one(address: str, port: int, place: str) -> None:
    assert location(address, port, "u") == place
