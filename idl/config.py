"""Configuration files of the daemons and the host's inventory.

``key = value`` lines, ``#`` starts a comment, surrounding matching quotes are dropped, unknown keys are
kept (a reader asks for what it knows). ``/etc/<name>.conf`` is read first, then every file of
``/etc/<name>.conf.d`` in sorted order.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from idl.paths import Root


class ConfigError(ValueError):
    """A configuration value that cannot be used; the text names the key and says what is expected."""


def parse_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the ``key = value`` pairs of a configuration or inventory text."""
    for line in text.splitlines():
        stripped = line.split("#", 1)[0].strip()
        if "=" not in stripped:
            continue
        key, value = (part.strip() for part in stripped.split("=", 1))
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        yield key, value


class Config:
    """The merged key/value pairs of one daemon, read through typed getters."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def load(cls, root: Root, name: str) -> "Config":
        """Read ``/etc/<name>.conf`` and ``/etc/<name>.conf.d/*`` under *root*; missing files are empty."""
        values: dict[str, str] = {}
        directory = root.under(f"/etc/{name}.conf.d")
        drop_ins = sorted(directory.glob("*.conf")) if directory.is_dir() else []
        for file in [root.under(f"/etc/{name}.conf"), *drop_ins]:
            if file.is_file():
                values.update(parse_pairs(file.read_text()))
        return cls(values)

    def text(self, key: str, default: str) -> str:
        return self._values.get(key, default)

    def integer(self, key: str, default: int) -> int:
        raw = self._values.get(key)
        if raw is None:
            return default
        try:
            return int(raw)
        except ValueError:
            raise ConfigError(f"{key}: expected a whole number, found {raw!r}") from None

    def number(self, key: str, default: float) -> float:
        raw = self._values.get(key)
        if raw is None:
            return default
        try:
            return float(raw)
        except ValueError:
            raise ConfigError(f"{key}: expected a number, found {raw!r}") from None

    def flag(self, key: str, default: bool) -> bool:
        raw = self._values.get(key)
        if raw is None:
            return default
        if raw.lower() in ("true", "yes", "1"):
            return True
        if raw.lower() in ("false", "no", "0"):
            return False
        raise ConfigError(f"{key}: expected true or false, found {raw!r}")


def read_inventory(path: Path) -> dict[str, str]:
    """Return the host's inventory (``/etc/xensource-inventory``): KEY='value' lines."""
    return dict(parse_pairs(path.read_text()))
