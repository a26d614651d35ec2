"""What the client says about itself without asking a server."""

from typing import Final

from idl import cli

VERSION: Final = f"ThinCLI protocol: {cli.MAJOR}.{cli.MINOR}"

USAGE: Final = """\
Usage: xe <command> [--switch ...] [name=value ...] [connection options]

Connection options, anywhere on the line:
  -s, -h <server>       the host to talk to (default: this one)
  -p <port>             its port (default: 443, or 80 without TLS)
  -u <user>             user name
  -pw <password>        password
  -pwf <file>           file with the user name on line 1 and the password on line 2
  --nossl               plain HTTP instead of TLS
  --debug               show what happens, on standard error
  --debug-on-fail       the same, only if the command fails
  --traceparent <id>    trace context that the server carries on

The same as name=value: server, port, username, password, passwordfile, nossl, debug, debugonfail, traceparent.
They may also stand in ~/.xe (one name=value per line) or in XE_EXTRA_ARGS (separated by commas).
XAPI_ROOT=<folder> talks to the host that lives in that folder.

  xe help               the common commands
  xe help --all         all commands
  xe help <command>     the parameters of one command
"""
