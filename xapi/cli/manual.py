"""``python -m xapi.cli.manual xe/xe.1``: the manual page of `xe`, made from the tables of commands and records.

The page is kept in the repository, since the client is installed without the server's tables; a test keeps it true.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from xapi.cli import reading
from xapi.cli.command import Command
from xapi.cli.commands import COMMANDS
from xapi.cli.descriptions import description
from xapi.cli.records import CLASSES
from xapi.cli.records.model import Class

_BEGINNING: Final = r"""
.\" Made by `make docs` from the tables in xapi/cli: do not edit.
.TH XE 1 "" "Xapi toolstack" "User Commands"
.SH NAME
xe \- manage Xen hosts and pools from the command line
.SH SYNOPSIS
.B xe
.I command
.RI [ name = value " ...]"
.RB [ \-\-minimal ]
.RB [ \-\-multiple ]
.RB [ \-\-force ]
.RI [ "connection options" ]
.br
.B xe help
.RB [ \-\-all ]
.RI [ command " ...]"
.SH DESCRIPTION
.B xe
sends one command to the XenAPI service of a host and prints what comes back. On the host itself it needs no password.
A command has the form
.IR class \- action ,
its parameters the form
.IR name = value .
An entry of a map is written
.IR name : key = value ,
and a list separates its items by commas.
.SH CONNECTION OPTIONS
They may stand anywhere on the line, and also in
.I ~/.xe
or XE_EXTRA_ARGS. What stands on the line comes before XE_EXTRA_ARGS, and that before the file.
.TP
.BR \-s ", " \-h " \fIserver\fR, " server=\fIserver\fR
The host to talk to. Without it: this host, through its local socket.
.TP
.BR \-p " \fIport\fR, " port=\fIport\fR
Its port: 443 if not given, 80 without TLS.
.TP
.BR \-u " \fIuser\fR, " username=\fIuser\fR
The user's name, root if not given.
.TP
.BR \-pw " \fIpassword\fR, " password=\fIpassword\fR
The password. At a terminal it is asked for if it is needed and not given.
.TP
.BR \-pwf " \fIfile\fR, " passwordfile=\fIfile\fR
A file with the user's name on its first line and the password on its second.
.TP
.BR \-\-nossl ", " nossl=true
Plain HTTP: everybody on the way can read the password.
.TP
.BR \-\-debug ", " \-\-debug\-on\-fail
Tell on standard error what happens; or only if the command fails.
.TP
.BI \-\-traceparent " id"
A trace context that the server carries on.
.PP
Nobody vouches for the certificates of pools. The one seen first is remembered in
.IR ~/.xe-known-hosts ;
if it is another one later, a person at a terminal is asked before the password is sent.
.SH OUTPUT
A list prints a record for each object: the first field to the left, the others below it, an empty line at the end.
Behind a field's name stands how it may be used: RO it can be read, RW also written, with S in front it is a set, with M a map.
.TP
.BI params= field , field
Which fields a list shows;
.B params=all
shows all. Their order is always the record's own.
.TP
.B \-\-minimal
For scripts: the first field's value of each object, separated by commas. A comma in a value has a backslash before it.
.TP
.B \-\-json
Lists and X-param-list as JSON. Sets are arrays, maps are objects, and a reference to nothing is null.
.TP
.B \-\-csv
The same as comma-separated values, with the fields' names on the first line.
.TP
.B \-\-trace
Tell where in the server a failure arose.
.PP
At a terminal, and only there, power states have colours (unless NO_COLOR is set), long work shows how far it is on
standard error, and an unknown command or field is answered with the one that was probably meant.
.SH FILTERS
Every other
.IR field = value
of a list is a filter: objects are listed that match all of them. Commands on VMs, hosts and SRs (below: FILTERS) choose
their objects the same way;
.BR vm= ,
.B host=
and
.B sr=
also take a name. If several match,
.B \-\-multiple
is needed.
.TP
.IR field = value
The field is shown as exactly this text.
.TP
.IB set :contains= value
The value is a member of the set.
.TP
.IR map : key = value
The map has the key with this value.
.TP
.B \-\-all
A list shows everything, also what it leaves out by itself (templates, snapshots).
.PP
.B event\-wait
waits until an object matches. With
.B \-\-watch
it goes on, and shows every object that matches and each change of it, until it is interrupted.
""".lstrip()

_ENDING: Final = r"""
.SH FILES
.TP
.I ~/.xe
Options and parameters, one
.IR name = value
a line. A line that is not of this form makes xe ignore the whole file, with a warning.
.TP
.I ~/.xe-known-hosts
Fingerprints of servers' certificates.
.TP
.I /var/lib/xcp/xapi
The local host's socket.
.PP
The server can only ask for files that are named on the command line. A download never overwrites a file, and a file
that could not be fetched whole is removed.
.SH ENVIRONMENT
.TP
.B XE_EXTRA_ARGS
Further arguments, separated by commas.
.TP
.B TRACEPARENT, BAGGAGE
Trace context and baggage of the caller.
.TP
.B NO_COLOR
No colours.
.TP
.B XAPI_ROOT
The root folder of a host that lives in a folder.
.SH EXIT STATUS
0 if the command did its work, 1 if not. A few commands have codes of their own.
.SH EXAMPLES
.nf
xe vm\-list power\-state=running params=uuid,name\-label
xe vm\-start vm=web
xe vm\-param\-set uuid=$(xe vm\-list name\-label=web \-\-minimal) name\-description="the web server"
xe vm\-export vm=web filename=web.xva \-s host1 \-u root
xe vm\-list \-\-json | jq '.[]["name\-label"]'
xe event\-wait class=vm vm=web power\-state=halted
.fi
.SH SEE ALSO
.BR xl (1)
""".lstrip()

_FAMILIES: Final = (("HOST COMMANDS", ("host-",)), ("VM COMMANDS", ("vm-", "snapshot-", "template-", "vmss-")))


def page() -> str:
    """The whole page, in the man macros."""
    written = [command for name, command in sorted(COMMANDS.items()) if not command.hidden and not _is_of_a_class(name)]
    lines = [".SH COMMANDS OF EVERY CLASS", *_class_commands(), *_classes()]
    left = written
    for title, prefixes in _FAMILIES:
        lines += [f".SH {title}", *_entries(command for command in left if command.name.startswith(prefixes))]
        left = [command for command in left if not command.name.startswith(prefixes)]
    lines += [".SH OTHER COMMANDS", *_entries(left)]
    return _BEGINNING + "\n".join(lines) + "\n" + _ENDING


_OPERATIONS: Final = {
    "list": ("[params=] [field=value ...]", "List the objects, or those that match."),
    "param-list": ("uuid=", "Show all fields of an object."),
    "param-get": ("uuid= param-name= [param-key=]", "Print one field, or one key of a map."),
    "param-set": ("uuid= field=value ...", "Write fields; map:key=value writes one key."),
    "param-add": ("uuid= param-name= [param-key=] [key=value ...]", "Add to a set (param-key) or a map (key=value)."),
    "param-remove": ("uuid= param-name= param-key=", "Remove a member of a set or a key of a map."),
    "param-clear": ("uuid= param-name=", "Empty a field."),
}


def _is_of_a_class(name: str) -> bool:
    return any(name == f"{cls}-{operation}" for cls in CLASSES for operation in _OPERATIONS)


def _class_commands() -> Iterator[str]:
    for operation, (synopsis, text) in _OPERATIONS.items():
        yield f".TP\n\\fIclass\\fB\\-{escaped(operation)}\\fR {escaped(synopsis)}\n{escaped(text)}"


def _classes() -> Iterator[str]:
    yield ".PP\nThe classes, the fields that a list shows by itself, and the commands that a class does not have:"
    for name, cls in sorted(CLASSES.items()):
        absent = [operation for operation in _OPERATIONS if f"{name}-{operation}" not in COMMANDS]
        without = f" (no {escaped(', '.join(absent))})" if absent else ""
        yield f".TP\n.B {escaped(name)}\n{escaped(', '.join(_shown(cls)))}{without}"


def _shown(cls: Class) -> list[str]:
    return [field.name for field in reading.shown(cls.record, cls.defaults)]


def _entries(commands: Iterable[Command]) -> Iterator[str]:
    for command in commands:
        words = [f"{name}=" for name in command.required]
        words += [f"[{name}{'' if name.endswith((':', '-')) else '='}]" for name in command.optional if name]
        words += ["[FILTERS]"] if command.selects else []
        heading = f"\\fB{escaped(command.name)}\\fR {escaped(' '.join(words))}".rstrip()
        yield f".TP\n{heading}\n{escaped(description(command.name))}"


def escaped(text: str) -> str:
    """A text as it is, in the language of man pages."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the manual page of xe.")
    parser.add_argument("page", type=Path)
    parser.parse_args().page.write_text(page())


if __name__ == "__main__":
    main()
