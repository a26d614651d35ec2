"""The demo guest's disk: a small Linux made from Debian packages alone, without mounting anything."""
