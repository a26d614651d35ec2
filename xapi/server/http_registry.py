"""Which function answers which HTTP handler of the datamodel, and which handler a path belongs to."""

from collections.abc import Callable

from xapi.datamodel import MODEL
from xapi.datamodel.model import HttpAction
from xapi.datamodel.roles import READ_ONLY
from xapi.server.http_types import Handler

_handlers: dict[str, Handler] = {}

OWN = (HttpAction("get_metrics", "GET", "/metrics", READ_ONLY),)
"""Handlers that the original has not: they are no part of the API, hence not of the datamodel."""
_GUARDS = {"get_metrics": "rrd_updates"}
ACTIONS = {**MODEL.http_actions, **{action.name: action for action in OWN}}


def guard(name: str) -> str:
    """Return the HTTP action of the datamodel whose permission lets in to the handler *name*."""
    return _GUARDS.get(name, name)


def serves(*names: str) -> Callable[[Handler], Handler]:
    """Register the handler for HTTP actions of the datamodel, e.g. ``"get_export_raw_vdi"``."""

    def register(handler: Handler) -> Handler:
        for name in names:
            if name not in ACTIONS:
                raise TypeError(f"the datamodel has no HTTP handler {name}")
            if name in _handlers:
                raise TypeError(f"{name} is served twice")
            _handlers[name] = handler
        return handler

    return register


def handler(name: str) -> Handler | None:
    return _handlers.get(name)


_by_length = sorted(ACTIONS.values(), key=lambda action: -len(action.uri))


def route(method: str, path: str) -> HttpAction | None:
    """Return the action with the longest URI that starts *path*, for this method; only those that are served."""
    for action in _by_length:
        if action.method == method and path.startswith(action.uri) and action.name in _handlers:
            return action
    return None


METHODS = frozenset(action.method for action in MODEL.http_actions.values())
