"""Everything behind ``make run``: one whole host in a folder, without Xen and without touching the machine."""
