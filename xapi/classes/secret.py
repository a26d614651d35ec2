"""Secrets: values that configurations name by uuid under a key ``<name>_secret``."""

from collections.abc import Iterable, Mapping

from xapi.database.store import Store
from xapi.server.context import Context
from xapi.server.registry import implements

_SUFFIX = "_secret"


@implements("secret.create")
async def create(ctx: Context, record: dict[str, object]) -> str:
    other_config = record.get("other_config", {})
    assert isinstance(other_config, dict)
    return ctx.db.create("secret", value=str(record["value"]), other_config=dict(other_config))


@implements("secret.introduce")
async def introduce(ctx: Context, uuid: str, value: str, other_config: dict[str, str]) -> str:
    return ctx.db.create("secret", uuid=uuid, value=value, other_config=dict(other_config))


@implements("secret.destroy")
async def destroy(ctx: Context, secret: str) -> None:
    ctx.db.destroy("secret", secret)


def _named(configuration: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((key, value) for key, value in configuration.items() if key.endswith(_SUFFIX))


def resolve(db: Store, configuration: Mapping[str, str]) -> dict[str, str]:
    """Return a configuration with ``password_secret: <uuid>`` turned into ``password: <value>``.

    :raises UuidMissing: it names a secret that does not exist.
    """
    plain = dict(configuration)
    for key, identity in _named(configuration):
        del plain[key]
        plain[key.removesuffix(_SUFFIX)] = db.get("secret", db.by_uuid("secret", identity), "value")
    return plain


def drop_unused(db: Store, configuration: Mapping[str, str]) -> None:
    """Destroy the secrets that a configuration named, unless another PBD names them too."""
    used = {value for row in db.rows("PBD") for _, value in _named(row.values["device_config"])}
    for _, identity in _named(configuration):
        if identity in used:
            continue
        for row in db.where("secret", uuid=identity):
            db.destroy("secret", row)
