"""The metrics daemon: samples, plugins, round-robin archives and the documents made of them."""

import os

# numpy's linear algebra starts a thread (and its buffers) per CPU when it is imported; nothing here multiplies matrices.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
