"""``python -m xenopsd --root DIR``: run the domain manager."""

import sys

from idl.daemon import main
from xenopsd.service import running

if __name__ == "__main__":
    sys.exit(main("xenopsd", running, fast_loop=False))
