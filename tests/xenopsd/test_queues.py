"""One thing at a time per VM, in order; VMs side by side up to the limit."""

import asyncio

from xenopsd.queues import Queues


async def test_one_vm_is_served_in_order_and_one_at_a_time() -> None:
    queues, seen, running = Queues(limit=4), [], 0

    def work(number: int):  # type: ignore[no-untyped-def]
        async def body() -> None:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(0)
            seen.append(number)
            running -= 1

        return body

    for number in range(5):
        queues.push("vm", work(number))
    await queues.idle()
    assert seen == [0, 1, 2, 3, 4]


async def test_vms_run_side_by_side_up_to_the_limit() -> None:
    queues, gate, running, most = Queues(limit=2), asyncio.Event(), 0, 0

    async def body() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    for vm in "abc":
        queues.push(vm, body)
    for _ in range(5):
        await asyncio.sleep(0)
    assert running == 2
    gate.set()
    await queues.idle()
    assert most == 2


async def test_a_check_that_waits_already_is_not_queued_again() -> None:
    queues, gate, checks = Queues(limit=1), asyncio.Event(), 0

    async def check() -> None:
        nonlocal checks
        checks += 1

    async def wait() -> None:
        await gate.wait()

    queues.push("vm", wait)
    for _ in range(3):
        queues.push("vm", check, key="check")
    queues.push("other", check, key="check")
    gate.set()
    await queues.idle()
    assert checks == 2
