"""The command line of a lab host (pure). Why these flags, found by trying Xen 4.17 in emulation:

* with SMAP, SMEP or protection keys dom0 page-faults while it boots;
* with RDTSCP guests of the emulated SVM crash (``Insn len emulation failed``: it saves no next instruction pointer);
* with FSGSBASE the user space of HVM guests loses its FS base; other CPU models crash Xen itself.
"""

from dataclasses import dataclass

from tests.lab.image import HostImage

CPU = "max,-la57,-pku,-pks,-smap,-smep,-rdtscp,-fsgsbase"
CONSOLE, MONITOR, PID_FILE, DISK = "console.sock", "qmp.sock", "qemu.pid", "disk.qcow2"
"""Names in the host's folder, in which QEMU runs: a socket's address must be short."""
CONSOLE_LOG = "console.log"
SSH, HTTP, HTTPS = 22, 80, 443


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a host has. *forwards*: port of this machine's loopback -> port of the host; *link*: QEMU's options of the
    socket netdev that joins hosts."""

    name: str
    number: int
    forwards: tuple[tuple[int, int], ...]
    link: str
    memory_mib: int = 4096
    dom0_mib: int = 1536
    cpus: int = 2

    @property
    def address(self) -> str:
        """The host's own address on the private network (eth1)."""
        return f"192.168.77.{self.number}"

    @property
    def mac_suffix(self) -> str:
        return f"{self.number:02x}"


def command(image: HostImage, hardware: Hardware) -> list[str]:
    """Return the words that boot *hardware* from the overlay in the current folder."""
    xen = (
        f"console=com1 com1=115200,8n1 dom0_mem={hardware.dom0_mib}M,max:{hardware.dom0_mib}M "
        f"dom0_max_vcpus={hardware.cpus} loglvl=info guest_loglvl=all"
    )
    dom0 = (
        f"root=/dev/vda rw console=hvc0 net.ifnames=0 systemd.hostname={hardware.name} lab.address={hardware.address} "
        "systemd.show_status=0 mitigations=off"
    )
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in hardware.forwards)
    mac = f"52:54:00:77:{{}}:{hardware.mac_suffix}"
    # fmt: off
    return [
        "qemu-system-x86_64", "-name", hardware.name, "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", CPU,
        "-smp", str(hardware.cpus), "-m", f"{hardware.memory_mib}M", "-nodefaults", "-display", "none", "-vga", "none",
        "-kernel", str(image.xen), "-append", xen, "-initrd", f"{image.kernel} {dom0},{image.initrd}",
        "-drive", f"file={DISK},if=none,id=disk,format=qcow2,cache=unsafe",
        "-device", "virtio-blk-pci,drive=disk,addr=0x2",
        "-netdev", f"user,id=outside{forwards}", "-device", f"virtio-net-pci,netdev=outside,mac={mac.format('00')},addr=0x3",
        "-netdev", f"socket,id=inside,{hardware.link}",
        "-device", f"virtio-net-pci,netdev=inside,mac={mac.format('01')},addr=0x4",
        "-chardev", f"socket,id=com1,path={CONSOLE},server=on,wait=off,logfile={CONSOLE_LOG}", "-serial", "chardev:com1",
        "-qmp", f"unix:{MONITOR},server=on,wait=off", "-pidfile", PID_FILE,
    ]
    # fmt: on
