"""The filter language: its grammar with the original's odd precedences, and what it compares."""

import pytest

from xapi.database.filters import BadExpression, UnknownColumn, predicate
from xapi.database.schema import from_model
from xapi.database.store import Store

SCHEMA = from_model()


@pytest.fixture(scope="module")
def store() -> Store:
    store = Store(SCHEMA)
    store.create("VM", name_label="a", power_state="Running", is_a_template=False, tags=["x", "y"], VCPUs_max=2)
    store.create("VM", name_label="b", power_state="Halted", is_a_template=True, other_config={"k": "it's"})
    return store


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("true", "ab"),
        ("false", ""),
        ('field "power_state" = "Running"', "a"),
        ('field "name__label"="b"', "b"),
        ('"b" = field "name__label"', "b"),
        ('field "is_a_template" = "true"', "b"),
        ('field "VCPUs__max" = "2"', "a"),
        ("field \"tags\" = \"('x' 'y')\"", "a"),
        ("field \"other_config\" = \"(('k' 'it\\'s'))\"", "b"),
        ('not field "name__label" = "a"', "b"),
        ('not (field "name__label" = "a") and field "name__label" = "b"', "ab"),
        ('field "name__label" = "a" or true and false', ""),
        ('field "name__label" = "a" or (true and false)', "a"),
        ('(field "name__label" = "a" or field "name__label" = "b")', "ab"),
    ],
)
def test_an_expression_selects(store: Store, expression: str, names: str) -> None:
    keep = predicate(expression, SCHEMA["VM"])
    assert "".join(sorted(row.values["name_label"] for row in store.rows("VM") if keep(row))) == names


@pytest.mark.parametrize(
    "expression", ["", "true true", 'field "uuid"', '"a" = ', "(true", "not", '"a" == "b"', "tru", "(" * 999]
)
def test_what_does_not_parse_is_refused(expression: str) -> None:
    with pytest.raises(BadExpression):
        predicate(expression, SCHEMA["VM"])


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(UnknownColumn, match="colour"):
        predicate('field "colour" = "red"', SCHEMA["VM"])
