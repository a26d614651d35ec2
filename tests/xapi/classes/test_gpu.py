"""Graphics processors: which kinds of shares may be cut, which VM may have one, when a processor is left alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.xapi.classes.client import Client
from xapi.database.schema import NULL_REF


class House(Client):
    """Two processors of one kind in a group; kinds of shares of a half and a quarter of one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        db = self.db
        self.half, self.quarter = (db.create("VGPU_type", model_name=name, size=size, implementation="nvidia")
                                   for name, size in (("half", 50), ("quarter", 25)))  # fmt: skip
        self.group = db.create("GPU_group", GPU_types=["10de/11bf"])
        self.pgpus = [self.processor("10de", "11bf", self.group) for _ in range(2)]

    def processor(self, vendor: str, device: str, group: str = NULL_REF) -> str:
        pci = self.db.create("PCI", vendor_id=vendor, device_id=device, host=self.host)
        kinds = [self.half, self.quarter]
        return self.db.create(
            "PGPU", PCI=pci, host=self.host, GPU_group=group, size=100, supported_VGPU_types=kinds, enabled_VGPU_types=kinds
        )

    async def vgpu(self, vm: str, kind: str, device: str = "0") -> Any:
        return await self("VGPU.create", vm, self.group, device, {}, kind)


@pytest.fixture
async def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    await made("GPU_group.update_supported_VGPU_types", made.group)
    return made


async def test_a_group_offers_what_its_processors_permit(house: House) -> None:
    first, second = house.pgpus
    assert await house("PGPU.set_enabled_VGPU_types", first, [house.half]) is None
    assert set(await house("GPU_group.get_enabled_VGPU_types", house.group)) == {house.half, house.quarter}
    await house("PGPU.remove_enabled_VGPU_types", second, house.quarter)
    assert await house("GPU_group.get_enabled_VGPU_types", house.group) == [house.half]
    await house("PGPU.add_enabled_VGPU_types", first, house.quarter)
    assert house.quarter in await house("GPU_group.get_enabled_VGPU_types", house.group)


async def test_capacity_counts_what_is_resident_and_one_kind_at_a_time(house: House) -> None:
    first, vm = house.pgpus[0], house.vm()
    assert await house("GPU_group.get_remaining_capacity", house.group, house.quarter) == 8
    vgpu = await house.vgpu(vm, house.half)
    assert await house("VGPU.atomic_set_resident_on", vgpu, first) is None
    assert await house("PGPU.get_remaining_capacity", first, house.half) == 1
    assert await house("PGPU.get_remaining_capacity", first, house.quarter) == 0
    assert await house("GPU_group.get_remaining_capacity", house.group, house.quarter) == 4
    other = await house.vgpu(house.vm(), house.quarter)
    refused = await house("VGPU.atomic_set_resident_on", other, first)
    assert refused == ["VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE", first, house.quarter, house.half]
    third = [await house.vgpu(house.vm(), house.half) for _ in range(2)]
    assert await house("VGPU.atomic_set_resident_on", third[0], first) is None
    full = await house("VGPU.atomic_set_resident_on", third[1], first)
    assert full == ["PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU", first, house.half]


async def test_a_processor_in_use_keeps_its_group_and_kinds(house: House) -> None:
    first, vm = house.pgpus[0], house.vm()
    await house("VGPU.atomic_set_resident_on", await house.vgpu(vm, house.half), first)
    other = await house("GPU_group.create", "other", "", {})
    assert await house("PGPU.set_GPU_group", first, other) == ["PGPU_IN_USE_BY_VM", vm]
    assert await house("PGPU.remove_enabled_VGPU_types", first, house.half) == ["PGPU_IN_USE_BY_VM", vm]
    assert await house("PGPU.remove_enabled_VGPU_types", first, house.quarter) is None


async def test_only_like_processors_share_a_group(house: House) -> None:
    amd = house.processor("1002", "692f")
    refused = await house("PGPU.set_GPU_group", amd, house.group)
    assert refused == ["PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP", "1002/692f", "[10de/11bf]"]
    empty = await house("GPU_group.create", "", "", {})
    assert await house("PGPU.set_GPU_group", amd, empty) is None
    assert await house("GPU_group.get_GPU_types", empty) == ["1002/692f"]
    assert await house("GPU_group.destroy", empty) == ["GPU_GROUP_CONTAINS_PGPU", amd]


async def test_a_vm_gets_a_share_while_halted(house: House) -> None:
    vm = house.vm()
    vgpu = await house.vgpu(vm, house.half)
    assert await house("VM.get_VGPUs", vm) == [vgpu]
    assert await house.vgpu(vm, house.half) == ["DEVICE_ALREADY_EXISTS", "0"]
    assert await house.vgpu(vm, house.half, "x") == ["INVALID_DEVICE", "x"]
    assert await house.vgpu(vm, house.half, "1") == ["VGPU_TYPE_NOT_COMPATIBLE", house.half]
    foreign = house.db.create("VGPU_type", model_name="no", size=5, implementation="mxgpu")
    assert (await house.vgpu(house.vm(), foreign))[:2] == ["VGPU_TYPE_NOT_SUPPORTED", foreign]
    assert await house("GPU_group.destroy", house.group) == ["GPU_GROUP_CONTAINS_PGPU", *house.pgpus]
    house.db.set("VM", vm, power_state="Running")
    assert await house("VGPU.destroy", vgpu) == ["VM_BAD_POWER_STATE", vm, "halted", "running"]
    house.db.set("VM", vm, power_state="Halted")
    assert await house("VGPU.destroy", vgpu) is None


async def test_a_null_kind_is_the_whole_device(house: House) -> None:
    vgpu = await house.vgpu(house.vm(), NULL_REF)
    kind = await house("VGPU.get_type", vgpu)
    assert await house("VGPU_type.get_implementation", kind) == "passthrough"
    again = await house.vgpu(house.vm(), NULL_REF)
    assert await house("VGPU.get_type", again) == kind
