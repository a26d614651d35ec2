"""The virtual environment under ``/opt`` and the application in it. Standard library only: it makes what others need.

The dependencies are installed anew only when what is declared changes; the application each time.
"""

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

from embedded import debian
from embedded.environment import PIP_TIMEOUT
from embedded.progress import Step, run
from installer.packages import BUILD

PREFIX = Path("/opt/xapi-toolstack")
PYTHON = "/usr/bin/python3"
COMMANDS = {"xe": ("xe.__main__", Path("/usr/local/bin/xe"))}
"""Name -> module with its main(), place on the path."""
COMPILE_TIMEOUT = 900.0
PIP_HELP = "Is the Python package index reachable from this host (pip config list)? Then run it again."
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info")


def dependencies(checkout: Path) -> list[str]:
    """Return what the application needs of the package index."""
    declared: list[str] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["dependencies"]
    return declared


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
    """Put the application of *checkout* into the environment, and its commands on the path.

    Its packages lie in a folder of their own that the environment knows; a new version takes the old one's place whole.
    """
    with Step("Application") as step:
        application, draft, old = (prefix / name for name in ("application", "application.new", "application.old"))
        for folder in (draft, old):
            shutil.rmtree(folder, ignore_errors=True)
        for room in checkout.iterdir():
            if (room / "__init__.py").exists():
                shutil.copytree(room, draft / room.name, ignore=NOT_COPIED)
        python = prefix / "bin" / "python"
        run([python, "-m", "compileall", "-q", "-j", "0", "-s", draft, "-p", application, draft], timeout=COMPILE_TIMEOUT)
        if application.exists():
            application.rename(old)
        draft.rename(application)
        shutil.rmtree(old, ignore_errors=True)
        [modules] = (prefix / "lib").glob("python3*/site-packages")
        (modules / "xapi-toolstack.pth").write_text(f"{application}\n")
        for name, (module, link) in COMMANDS.items():
            script = prefix / "bin" / name
            script.write_text(f"#!{python}\nimport sys\n\nfrom {module} import main\n\nsys.exit(main())\n")
            script.chmod(0o755)
            link.unlink(missing_ok=True)
            link.symlink_to(script)
        step.done(f"installed; commands: {', '.join(COMMANDS)}")


def remove(prefix: Path = PREFIX) -> None:
    """Take application and environment away."""
    with Step("Application"):
        for _, link in COMMANDS.values():
            if link.is_symlink() and prefix in link.readlink().parents:
                link.unlink()
        shutil.rmtree(prefix, ignore_errors=True)


if __name__ == "__main__":  # python3 -m installer.application PREFIX: only the environment (how images are prepared)
    install_dependencies(Path.cwd(), Path(sys.argv[1]), compilers=False)
