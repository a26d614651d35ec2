"""Start xapi: ``python -m xapi [--root DIR]``."""

import sys

from idl.daemon import main
from xapi.startup import running

if __name__ == "__main__":
    sys.exit(main("xapi", running))
