"""Installs the toolstack on a Debian host that runs under Xen: ``make install`` and ``make uninstall``."""
