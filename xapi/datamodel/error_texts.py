"""What error codes mean, a sentence each, as shown to people.

A dozen of the sentences are matched literally by scripts; tests/xapi/datamodel/test_error_texts.py says which.
"""

from collections.abc import Mapping
from typing import Final

ERROR_TEXTS: Final[Mapping[str, str]] = {
    "INTERNAL_ERROR": "The server failed to do this because of an error of its own; the message may say more.",
    "DEVICE_ALREADY_DETACHED": "The device is not currently attached",
}
