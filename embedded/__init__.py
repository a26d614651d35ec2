"""Everything behind ``make run``: one whole host in a folder of the checkout, without Xen and without touching the machine."""
