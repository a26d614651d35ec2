"""The command-line client: small, standard library only, installable alone (``pip install ./xe``).

It knows no command. It sends its arguments to xapi over the thin-CLI protocol (`idl.cli`) and does what the server
asks: print, read a line, send or fetch a file, relay a terminal, exit. What it decides itself is which server to talk
to (`options`), how (`connection`), and which files the server may touch: only those that the user named (`files`).

Without ``-s`` it talks to this machine's xapi over ``/var/lib/xcp/xapi``, which lets root in without a password, and
makes the second connections for files and consoles over the same socket. A host that lives in a folder is reached
with the environment variable XAPI_ROOT: ``XAPI_ROOT=var/host1 xe vm-list`` uses
``var/host1/var/lib/xcp/xapi``, and no other host by accident: if nobody answers there, that is an error.
"""
