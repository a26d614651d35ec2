"""Three real hosts become one pool, lose their coordinator, and part again. One story: the tests run in order."""

import json
import shutil
import urllib.request
from collections.abc import Iterator

import pytest
import XenAPI

from embedded.guest_image.build import GuestImage
from tests.e2e.embedded_host import Api, eventually, wait_for
from tests.e2e.guests import Guest, golden_disk, make_guest, make_network
from tests.e2e.pool_hosts import PoolHost, host_ref, pool_hosts, running, shared_directory

pytestmark = pytest.mark.guest


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[PoolHost]]:
    made = pool_hosts()
    with running(made):
        yield made


@pytest.fixture(scope="module")
def pool(hosts: list[PoolHost]) -> list[PoolHost]:
    """The three as one pool; the first coordinates."""
    for host in hosts[1:]:
        host.join(hosts[0])
    return hosts


@pytest.fixture(scope="module")
def guest(pool: list[PoolHost], guest_image: GuestImage) -> Iterator[Guest]:
    """A halted guest whose disk lies on storage that all hosts reach."""
    directory = shared_directory(pool[0].layout.name)
    with pool[0].session() as api:
        coordinator = host_ref(api, pool[0])
        config = {"location": str(directory)}
        sr = api.xenapi.SR.create(coordinator, config, "0", "Shared", "", "file", "user", True, {})
        made = make_guest(api, "traveller", golden_disk(api, pool[0], guest_image), make_network(api, "private"))
        for vbd in api.xenapi.VM.get_VBDs(made.ref):
            local = api.xenapi.VBD.get_VDI(vbd)
            shared = api.xenapi.VDI.copy(local, sr)
            record = api.xenapi.VBD.get_record(vbd)
            api.xenapi.VBD.destroy(vbd)
            fields = {key: record[key] for key in ("userdevice", "bootable", "mode", "type", "unpluggable", "empty")}
            more = {"other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {}}
            api.xenapi.VBD.create({**fields, **more, "VM": made.ref, "VDI": shared})
    yield made
    shutil.rmtree(directory, ignore_errors=True)


def resident(api: Api, guest: Guest) -> str:
    """Return the address of the host that the guest runs on."""
    return str(api.xenapi.host.get_address(api.xenapi.VM.get_resident_on(guest.ref)))


def test_a_running_guest_keeps_its_host_from_joining_nothing_else_does(pool: list[PoolHost]) -> None:
    with pool[0].session() as api:
        records = api.xenapi.host.get_all_records().values()
        assert sorted(record["address"] for record in records) == sorted(host.address for host in pool)
        assert all(record["enabled"] for record in records)
        assert len(api.xenapi.pool.get_all()) == 1
        assert len(api.xenapi.VM.get_by_name_label("Debian Bookworm 12")) <= 1


def test_supporters_send_clients_to_the_coordinator_in_both_protocols(pool: list[PoolHost]) -> None:
    assert pool[1].redirects_to() == pool[0].address
    call = {"jsonrpc": "2.0", "method": "session.login_with_password", "params": ["root", "x", "1.0", "t"], "id": 1}
    request = urllib.request.Request(f"{pool[1].layout.http_url}/jsonrpc", json.dumps(call).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        error = json.load(answer)["error"]
    assert (error["message"], error["data"]) == ("HOST_IS_SLAVE", [pool[0].address])


def test_an_ordinary_session_is_no_good_at_a_supporter(pool: list[PoolHost]) -> None:
    with pool[0].session() as api:
        there = XenAPI.Session(pool[1].layout.http_url)
        there._session = api._session
        with pytest.raises(XenAPI.Failure) as caught:
            there.xenapi.VM.get_all()
        assert caught.value.details == ["HOST_IS_SLAVE", pool[0].address]


def test_a_supporters_own_socket_and_xe_speak_for_the_pool(pool: list[PoolHost]) -> None:
    assert len(pool[2].local_xe("host-list", "--minimal").split(",")) == 3


def test_metrics_are_served_on_every_host_with_the_pools_session(pool: list[PoolHost]) -> None:
    with pool[0].session() as api:
        url = f"{pool[1].layout.http_url}/rrd_updates?start=0&host=true&session_id={api._session}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.status == 200
            assert b"host" in answer.read()


def test_a_guest_is_started_on_a_chosen_host_and_moved(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        api.xenapi.VM.start_on(guest.ref, host_ref(api, pool[1]), False, False)
        assert resident(api, guest) == pool[1].address
        assert pool[1].process_of(guest.uuid) is not None
        api.xenapi.VM.pool_migrate(guest.ref, host_ref(api, pool[2]), {"live": "true"})
        assert resident(api, guest) == pool[2].address
        assert pool[1].process_of(guest.uuid) is None
        assert pool[2].process_of(guest.uuid) is not None
        assert api.xenapi.VM.get_current_operations(guest.ref) == {}


def test_a_host_is_evacuated(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        host = host_ref(api, pool[2])
        api.xenapi.host.disable(host)
        api.xenapi.host.evacuate(host)
        assert resident(api, guest) != pool[2].address
        api.xenapi.host.enable(host)
        api.xenapi.VM.pool_migrate(guest.ref, host, {})


def test_a_guest_that_ends_by_itself_is_seen_by_the_coordinator(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        process = pool[2].process_of(guest.uuid)
        assert process is not None
        api.xenapi.VM.hard_shutdown(guest.ref)
        guest.reaches(api, "Halted")
        api.xenapi.VM.start_on(guest.ref, host_ref(api, pool[2]), False, False)


def test_every_host_has_the_database_on_its_disk(pool: list[PoolHost]) -> None:
    with pool[0].session() as api:
        api.xenapi.pool.sync_database()


def test_the_coordinator_hands_over_and_guests_do_not_notice(pool: list[PoolHost], guest: Guest) -> None:
    process = pool[2].process_of(guest.uuid)
    assert process is not None
    with pool[0].session() as api:
        api.xenapi.pool.designate_new_master(host_ref(api, pool[1]))
    pool[1].coordinates()
    pool[0].follows(pool[1])
    pool[2].follows(pool[1])
    after = pool[2].process_of(guest.uuid)
    assert after is not None
    assert after.pid == process.pid
    with pool[1].session() as api:
        wait_for(api, "VM", guest.ref, lambda record: record["power_state"] == "Running")


def test_two_commands_bring_a_pool_back_whose_coordinator_died(pool: list[PoolHost], guest: Guest) -> None:
    with pool[1].session() as api:
        api.xenapi.VM.set_name_description(guest.ref, "written just before")
        api.xenapi.pool.sync_database()
    pool[1].die()

    def is_helpless() -> bool:
        return pool[0].local_xe("host-is-in-emergency-mode") == "true"

    eventually("the supporter is in emergency mode", is_helpless, 60)
    pool[0].local_xe("pool-emergency-transition-to-master")
    pool[0].coordinates()
    pool[0].local_xe("pool-recover-slaves")
    pool[2].follows(pool[0])
    with pool[0].session() as api:
        assert api.xenapi.VM.get_name_description(guest.ref) == "written just before"
        wait_for(api, "VM", guest.ref, lambda record: record["power_state"] == "Running")
        assert pool[2].process_of(guest.uuid) is not None


def test_the_old_coordinator_comes_back_as_a_supporter(pool: list[PoolHost]) -> None:
    pool[1].up()
    pool[1].follows(pool[0])
    with pool[0].session() as api:
        found = wait_for(api, "host", host_ref(api, pool[1]), lambda record: record["enabled"])
        assert found["address"] == pool[1].address


def test_a_call_to_a_host_that_dies_ends_and_leaves_no_operation(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        host = host_ref(api, pool[1])
        pool[1].die()
        with pytest.raises(XenAPI.Failure) as caught:
            api.xenapi.host.dmesg(host)
        assert caught.value.details[0] in ("CANNOT_CONTACT_HOST", "HOST_OFFLINE")
        assert api.xenapi.host.get_current_operations(host) == {}
    pool[1].up()
    pool[1].follows(pool[0])


def test_a_host_with_a_guest_is_not_ejected(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        with pytest.raises(XenAPI.Failure) as caught:
            api.xenapi.pool.eject(host_ref(api, pool[2]))
        assert caught.value.details == ["OPERATION_NOT_ALLOWED", "VM resident on host"]
        with pytest.raises(XenAPI.Failure) as caught:
            api.xenapi.pool.eject(host_ref(api, pool[0]))
        assert caught.value.details[0] == "OPERATION_NOT_ALLOWED"


def test_an_ejected_host_is_a_pool_of_its_own_and_can_join_again(pool: list[PoolHost], guest: Guest) -> None:
    with pool[0].session() as api:
        api.xenapi.VM.hard_shutdown(guest.ref)
        api.xenapi.pool.eject(host_ref(api, pool[2]))
        assert len(api.xenapi.host.get_all()) == 2
    pool[2].coordinates()
    with pool[2].session() as api:
        assert len(api.xenapi.host.get_all()) == 1
        assert api.xenapi.VM.get_by_name_label("traveller") == []
    pool[2].join(pool[0])
    with pool[0].session() as api:
        api.xenapi.VM.start_on(guest.ref, host_ref(api, pool[2]), False, False)
        api.xenapi.VM.hard_shutdown(guest.ref)


def test_a_host_cannot_join_itself_nor_with_a_wrong_password(pool: list[PoolHost]) -> None:
    text = pool[0].local_xe(
        "pool-join", f"master-address={pool[0].address}", "master-username=root", "master-password=x", status=1
    )
    assert "itself" in text
