"""``python3.11 -m embedded.prepare``: what must be installed before anything of the project can be imported.

Standard library only. Prints nothing but its steps; ends with status 1 and the reason when one fails.
"""

import sys
from pathlib import Path

from embedded import debian, environment
from embedded.progress import StepFailed, say

CHECKOUT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Install Debian packages, and make libvirt's account and the virtual environment."""
    say("Preparing the machine")
    try:
        debian.install_missing()
        debian.ensure_libvirt_account()
        environment.ensure(CHECKOUT)
    except StepFailed as failure:
        say(f"\n{failure.why}\n\nWhat to do: {failure.do}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
