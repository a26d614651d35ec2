"""How the demo guest's things are found again."""

import pytest

from embedded import demo


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({}, None),
        ({"OpaqueRef:1": {"other_config": {}}}, None),
        ({"OpaqueRef:1": {"other_config": {}}, "OpaqueRef:2": {"other_config": {demo.MARK: "disk"}}}, "OpaqueRef:2"),
        ({"OpaqueRef:1": {"other_config": {demo.MARK: "x"}, "is_a_template": True}}, None),
        ({"OpaqueRef:1": {"other_config": {demo.MARK: "x"}, "is_a_snapshot": True}}, None),
    ],
)
def test_what_carries_the_mark_and_is_no_copy_is_ours(records: dict[str, dict[str, object]], expected: str | None) -> None:
    assert demo.marked(records, unless="is_a_template") == expected
