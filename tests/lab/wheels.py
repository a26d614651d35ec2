"""The project's Python dependencies as wheels, built on this machine: the hosts of the lab compile nothing and fetch nothing."""

import sys
import tempfile
from pathlib import Path

from embedded.layout import cache
from embedded.progress import Step, run
from tests.lab import recipe

BACKEND = ("setuptools>=70.1,<81", "wheel", "pip")
"""What installing the project itself needs beside its dependencies."""


def wheels() -> Path:
    """Return the folder with every wheel, made now if the cache lacks it."""
    with Step("Wheels for the lab") as step:
        folder = cache() / f"wheels-{recipe.wheels_hash()}"
        if not folder.is_dir():
            step.doing("building")
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
                made = Path(scratch) / "wheels"
                pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
                run([*pip, "--wheel-dir", made, *recipe.dependencies(), *BACKEND], timeout=1800)
                made.rename(folder)
        step.done(f"{len(list(folder.iterdir()))} in {folder}")
        return folder
