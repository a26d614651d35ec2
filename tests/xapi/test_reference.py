"""The reference says something about everything, and its links lead somewhere."""

import re

from xapi.datamodel import MODEL
from xapi.datamodel.enums import WORDS
from xapi.reference import pages

PAGES = pages()


def test_nothing_is_without_words() -> None:
    silent = [cls.name for cls in MODEL.classes.values() if not cls.doc]
    silent += [f"{cls.name}.{field.name}" for cls in MODEL.classes.values() for field in cls.fields if not field.doc]
    silent += [message.wire_name for message in MODEL.messages.values() if not message.doc]
    silent += [f"{m.wire_name}({param.name})" for m in MODEL.messages.values() for param in m.params if not param.doc]
    silent += [f"{name}.{word}" for name, words in WORDS.items() for word, meaning in words.items() if not meaning]
    assert silent == []


def test_a_class_has_fields_and_messages_with_signature_role_and_release() -> None:
    page = PAGES["VM.md"]
    assert "`VM.start(vm: ref VM, start_paused: bool, force: bool)`" in page
    assert "| `power_state` | enum [vm_power_state](enums.md#vm_power_state) |" in page
    assert "* `start_paused` (bool): Whether the guest stays paused at its first instruction." in page
    assert "Role: [vm-operator](roles.md). Also `Async`. Errors, among others: [VM_BAD_POWER_STATE]" in page
    assert "Published in rio" in page


def test_every_link_leads_to_a_page_and_a_heading_of_it() -> None:
    for name, text in PAGES.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            page, _, heading = target.partition("#")
            assert page in PAGES, (name, target)
            assert not heading or f"\n## {heading}\n".lower() in PAGES[page].lower(), (name, target)


def test_every_error_is_explained() -> None:
    for code in MODEL.errors:
        assert f"## {code}\n" in PAGES["errors.md"]
