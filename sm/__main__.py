"""Starts the storage service: ``python -m sm --root DIR``."""

import sys

from idl.daemon import main
from sm.service import body

if __name__ == "__main__":
    sys.exit(main("sm", body))
