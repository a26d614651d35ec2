"""What users may type."""

import pytest

from xapi.cli import enum_texts, values
from xapi.cli.failures import CommandFailure
from xapi.errors import XenAPIError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1024", 1024),
        ("5 bytes", 5),
        ("1k", 1024),
        ("2KiB", 2048),
        ("3 MB", 3 << 20),
        ("4GiB", 4 << 30),
        ("1tib", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert values.size("memory", text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "1.5GiB", "1PiB", "1 G i B", "9223372036854775808", "8388608TiB"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(CommandFailure, match="memory"):
        values.size("memory", text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-5", -5),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b101", 5),
        ("1_000", 1000),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_integers(text: str, number: int) -> None:
    assert values.integer("n", text) == number == values.exact_integer("n", text)


@pytest.mark.parametrize("text", ["", "one", "1.0", " 1", "0x", "9223372036854775808"])
def test_integers_that_are_none(text: str) -> None:
    with pytest.raises(CommandFailure, match="'n'"):
        values.integer("n", text)
    with pytest.raises(XenAPIError, match="Int64"):
        values.exact_integer("n", text)


@pytest.mark.parametrize("text", ["true", "T", "yes", "Y", "1"])
def test_true_has_many_names(text: str) -> None:
    assert values.boolean("x", text) is True


def test_fields_take_exact_booleans() -> None:
    assert values.field_boolean("x", "false") is False
    with pytest.raises(CommandFailure):
        values.field_boolean("x", "yes")
    with pytest.raises(XenAPIError):
        values.exact_boolean("x", "TRUE")


@pytest.mark.parametrize(
    ("enum", "value", "text"),
    [
        ("vm_power_state", "Running", "running"),
        ("vm_operations", "start_on", "start_on"),
        ("storage_operations", "vdi_create", "VDI.create"),
        ("on_normal_exit", "destroy", "Destroy"),
        ("tristate_type", "yes", "true"),
        ("vbd_mode", "RO", "RO"),
    ],
)
def test_enum_values_are_shown_in_their_own_way(enum: str, value: str, text: str) -> None:
    assert enum_texts.show(enum, value) == text


@pytest.mark.parametrize(
    ("enum", "text", "value"),
    [
        ("on_normal_exit", "RESTART", "restart"),
        ("vbd_mode", "rw", "RW"),
        ("allocation_algorithm", "depth-first", "depth_first"),
        ("domain_type", "pv-in-pvh", "pv_in_pvh"),
        ("bond_mode", "", "balance-slb"),
    ],
)
def test_enum_values_are_typed_in_any_case(enum: str, text: str, value: str) -> None:
    assert enum_texts.parse(enum, "p", text) == value


@pytest.mark.parametrize(("enum", "text"), [("domain_type", "unspecified"), ("allocation_algorithm", "depth_first")])
def test_enum_values_that_cannot_be_typed(enum: str, text: str) -> None:
    with pytest.raises(CommandFailure):
        enum_texts.parse(enum, "p", text)


def test_operations_to_block_are_typed_exactly_as_they_are_shown() -> None:
    assert enum_texts.parse("vm_operations", "p", "data_sources_op") == "data_source_op"
    for text in ("Start", "data_source_op", ""):
        with pytest.raises(XenAPIError) as refused:
            enum_texts.parse("vm_operations", "p", text)
        assert (refused.value.code, refused.value.params) == ("INVALID_VALUE", ["blocked_operation", text])
