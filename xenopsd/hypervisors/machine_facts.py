"""What the kernel says about this machine's memory and processors."""

from pathlib import Path

from idl.xenops import CpuInfo


def memory(meminfo: str) -> tuple[int, int]:
    """Return (total, available) bytes from the text of /proc/meminfo."""
    values = {}
    for line in meminfo.splitlines():
        key, _, rest = line.partition(":")
        amount = rest.split()
        if amount and amount[0].isdigit():
            values[key] = int(amount[0]) * 1024
    return values["MemTotal"], values.get("MemAvailable", values.get("MemFree", 0))


def cpu(cpuinfo: str) -> CpuInfo:
    """Return the processors from the text of /proc/cpuinfo."""
    processors = [
        {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        for block in cpuinfo.strip().split("\n\n")
    ]
    first = processors[0] if processors else {}
    return CpuInfo(
        cpu_count=len(processors),
        socket_count=len({processor.get("physical id", "0") for processor in processors}),
        vendor=first.get("vendor_id", ""),
        speed=first.get("cpu MHz", "0"),
        modelname=first.get("model name", ""),
        family=first.get("cpu family", ""),
        model=first.get("model", ""),
        stepping=first.get("stepping", ""),
        flags=first.get("flags", ""),
    )


def read_memory() -> tuple[int, int]:
    return memory(Path("/proc/meminfo").read_text())


def read_cpu() -> CpuInfo:
    return cpu(Path("/proc/cpuinfo").read_text())
