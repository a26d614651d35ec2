"""What libvirt says about a domain that Xen runs: read from its live XML."""

from dataclasses import dataclass

from lxml import etree

from xenopsd.hypervisors.base import End


@dataclass(frozen=True, slots=True)
class Facts:
    """Constant facts of a domain, or such as change only with its devices.

    *interfaces*: the host's end by MAC; *disks*: libvirt's device names; *tty*: of its first console, empty until it has
    one; *vnc_port*: 0 without a screen; *keeps_poweroff*: the domain stays after it has powered off (rather than after a
    reboot only).
    """

    domid: int
    hvm: bool
    interfaces: dict[str, str]
    disks: frozenset[str]
    tty: str
    vnc_port: int
    keeps_poweroff: bool

    def end_of_kept(self) -> End:
        """Return how a domain ended (without a crash) that is still there."""
        return End.POWEROFF if self.keeps_poweroff else End.REBOOT


def read_facts(xml: str) -> Facts:
    """Read libvirt's live XML of a domain."""
    domain = etree.fromstring(xml)
    interfaces = {}
    for interface in domain.iterfind("devices/interface"):
        mac, target = interface.find("mac"), interface.find("target")
        if mac is not None and target is not None:
            interfaces[mac.get("address", "").lower()] = target.get("dev", "")
    disks = {target.get("dev", "") for target in domain.iterfind("devices/disk/target")}
    graphics = domain.find("devices/graphics")
    return Facts(
        domid=int(domain.get("id", "-1")),
        hvm=domain.findtext("os/type") == "hvm",
        interfaces=interfaces,
        disks=frozenset(disks),
        tty=_tty(domain),
        vnc_port=max(0, int(graphics.get("port", "0"))) if graphics is not None else 0,
        keeps_poweroff=domain.findtext("on_poweroff") == "preserve",
    )


def _tty(domain: "etree._Element") -> str:
    for place in ("devices/serial/source", "devices/console/source"):
        source = domain.find(place)
        if source is not None and source.get("path"):
            return source.get("path", "")
    return ""
