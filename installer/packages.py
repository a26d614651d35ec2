"""The Debian packages of an installed host.

``RUNTIME`` is what daemons execute or link with and what holds up the services they stand on. ``BUILD`` is only needed
while the virtual environment is made, because libvirt's Python binding comes as source. Standard library only.
"""

RUNTIME = (
    # the hypervisor's side
    "xen-utils-common",
    "xenstore-utils",
    "libvirt-daemon",
    "libvirt-daemon-system",
    "libvirt-daemon-driver-xen",
    "qemu-system-xen",
    "seabios",
    "ovmf",
    "ipxe-qemu",
    # disks
    "qemu-utils",
    "qemu-system-common",
    "libnbd-bin",
    "nbd-client",
    "lvm2",
    "nfs-common",
    "open-iscsi",
    "multipath-tools",
    "e2fsprogs",
    "genisoimage",
    # networks
    "iproute2",
    "bridge-utils",
    "ethtool",
    "isc-dhcp-client",
    "stunnel4",
    # the rest
    "ca-certificates",
    "curl",
    "libpam0g",
    "python3",
    "python3-venv",
)

BUILD = ("gcc", "libc6-dev", "libvirt-dev", "pkg-config", "python3-dev")
OPENVSWITCH = ("openvswitch-switch",)
"""Only for hosts that bridge with it."""
