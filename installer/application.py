"""The virtual environment under ``/opt`` and the application in it. Standard library only: it makes what others need.

The dependencies are installed anew only when what is declared changes; the application each time, from a clean copy of the
checkout, so that no module of an older one stays.
"""

import hashlib
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from embedded import debian
from embedded.environment import PIP_TIMEOUT
from embedded.progress import Step, run
from installer.packages import BUILD

PREFIX = Path("/opt/xapi-toolstack")
PYTHON = "/usr/bin/python3"
COMMANDS = {"xe": Path("/usr/local/bin/xe")}
BUILD_BACKEND = "setuptools>=70.1,<81"
PIP_HELP = "Is the Python package index reachable from this host (pip config list)? Then run it again."
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "var", "build", "tests", "docs", "__pycache__", "*.egg-info", ".*_cache")


def dependencies(checkout: Path) -> list[str]:
    """Return what the application needs of the package index."""
    declared: list[str] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["dependencies"]
    return [*declared, BUILD_BACKEND]


def stamp_text(wanted: list[str]) -> str:
    """Return what an environment with these dependencies is marked with."""
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest() + "\n"


def install_dependencies(checkout: Path, prefix: Path = PREFIX, *, compilers: bool = True) -> None:
    """Make the environment at *prefix*, unless the present one was made of the same dependencies."""
    with Step(f"Python environment in {prefix}") as step:
        wanted = dependencies(checkout)
        stamp, python = prefix / "dependencies", prefix / "bin" / "python"
        if python.exists() and stamp.exists() and stamp.read_text() == stamp_text(wanted):
            step.done("up to date")
            return
        if compilers and (absent := debian.missing(BUILD)):
            step.doing("a compiler for libvirt's binding")
            debian.apt_get("update")
            debian.apt_get("install", "--yes", "--no-install-recommends", *absent)
        step.doing("some minutes")
        run([PYTHON, "-m", "venv", "--clear", prefix], timeout=600, do=f"Remove {prefix} and try again.")
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, *wanted], timeout=PIP_TIMEOUT, do=PIP_HELP)
        stamp.write_text(stamp_text(wanted))
        step.done("made")


def install_application(checkout: Path, prefix: Path = PREFIX) -> None:
    """Put the application of *checkout* into the environment, and its commands on the path."""
    with Step("Application") as step, tempfile.TemporaryDirectory() as scratch:
        clean = Path(scratch) / "checkout"
        shutil.copytree(checkout, clean, ignore=NOT_COPIED)
        python = prefix / "bin" / "python"
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        offline = ["--no-compile", "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall"]
        run([*pip, *offline, clean], timeout=PIP_TIMEOUT)
        rooms = [path.name for path in clean.iterdir() if (path / "__init__.py").exists()]
        [modules] = (prefix / "lib").glob("python3*/site-packages")
        run([python, "-m", "compileall", "-q", "-j", "0", *(modules / room for room in rooms)], timeout=PIP_TIMEOUT)
        for name, link in COMMANDS.items():
            link.unlink(missing_ok=True)
            link.symlink_to(prefix / "bin" / name)
        step.done(f"installed; commands: {', '.join(COMMANDS)}")


def remove(prefix: Path = PREFIX) -> None:
    """Take application and environment away."""
    with Step("Application"):
        for link in COMMANDS.values():
            if link.is_symlink() and prefix in link.readlink().parents:
                link.unlink()
        shutil.rmtree(prefix, ignore_errors=True)


if __name__ == "__main__":  # python3 -m installer.application PREFIX: only the environment (how images are prepared)
    install_dependencies(Path.cwd(), Path(sys.argv[1]), compilers=False)
