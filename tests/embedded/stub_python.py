"""Stands for the Python that runs the daemons: ``stub -m <room> --root DIR`` behaves like that room at start.

It opens the room's socket. sm and xenopsd also start a child that must outlive them, the latter with an
empty environment, as libvirt starts guests. xapi answers HTTP with the first line it was sent.
"""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

SOCKETS = {"networkd": "networkd", "sm": "storage", "xenopsd": "xenopsd", "rrdd": "xcp-rrdd"}


def child_of(room: str, root: Path) -> None:
    pid_file = root / f"{room}.child"
    if room in ("sm", "xenopsd") and not pid_file.exists():
        env = None if room == "sm" else {"PATH": os.environ["PATH"]}
        child = subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True)
        pid_file.write_text(str(child.pid))


def serve_xapi(root: Path, address: str) -> None:
    listener = socket.create_server((address, 8080))
    cookie = root / "var/run/xapi_init_complete.cookie"
    cookie.parent.mkdir(parents=True, exist_ok=True)
    cookie.touch()
    while True:
        connection, _ = listener.accept()
        with connection:
            first = connection.recv(4096).split(b"\r\n")[0]
            connection.sendall(b"HTTP/1.0 503 Stub\r\nContent-Type: text/plain\r\n\r\n" + first)


def main() -> None:
    room, root = sys.argv[2], Path(sys.argv[4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    child_of(room, root)
    if room == "xapi":
        serve_xapi(root, (root / "address").read_text())
    listener = socket.socket(socket.AF_UNIX)
    if room in SOCKETS:
        path = root / "var/lib/xcp" / SOCKETS[room]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen()
    signal.pause()


main()
