"""The checkout's virtual environment: made once, made anew only when what it holds would differ.

Runs before anything is installed, so it uses the standard library alone.
"""

import hashlib
import sys
from pathlib import Path

from embedded.progress import Step, run

PIP_TIMEOUT = 1800.0
PIP_HELP = "Is the Python package index reachable? Then run the same command again; what was downloaded is kept."


def wanted(checkout: Path) -> str:
    """Return what the environment is made of, as text: declared dependencies, interpreter, place."""
    declared = hashlib.sha256((checkout / "pyproject.toml").read_bytes()).hexdigest()
    return f"{declared} {sys.version_info[:3]} {sys.base_prefix} {checkout}\n"


def ensure(checkout: Path) -> Path:
    """Make or refresh ``.venv`` and return its Python; does nothing when the stamp in it is up to date."""
    folder = checkout / ".venv"
    python, stamp = folder / "bin" / "python", folder / "stamp"
    with Step("Virtual environment") as step:
        text = wanted(checkout)
        if python.exists() and stamp.exists() and stamp.read_text() == text:
            step.done(f"{folder} is up to date")
            return python
        step.doing(f"making {folder}, a few minutes")
        run([sys.executable, "-m", "venv", "--clear", folder], timeout=300, do="Remove .venv and try again.")
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "--editable", f"{checkout}[dev]"], timeout=PIP_TIMEOUT, do=PIP_HELP, cwd=checkout)
        stamp.write_text(text)
        step.done("made")
        return python
