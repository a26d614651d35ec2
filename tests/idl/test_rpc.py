"""Calls between daemons: typed both ways, errors as variants, and a daemon that goes away."""

import asyncio
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import pytest

from idl.rpc import HttpRequest, HttpResponse, RpcError, Unreachable, client, serve, wire


class Full(msgspec.Struct, array_like=True, tag="Full", frozen=True):
    litres: int


class Tank(msgspec.Struct):
    level: Literal["Empty"] | Full


class Pump(Protocol):
    @wire("Pump.fill")
    async def fill(self, dbg: str, tank: Tank, litres: int = 5) -> Tank: ...

    @wire("Pump.drain")
    async def drain(self, dbg: str) -> None: ...


class Works(Pump):
    async def fill(self, dbg: str, tank: Tank, litres: int = 5) -> Tank:
        if litres > 100:
            raise RpcError("Overflow", "tank", litres)
        return Tank(Full(litres))

    async def drain(self, dbg: str) -> None:
        raise RuntimeError("the pump is broken")


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body=f"{request.method} {request.path} {request.query}".encode())


async def raw(socket: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_call_carries_typed_values_both_ways(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", (Pump, Works())):
        pump = client(Pump, tmp_path / "s")
        assert await pump.fill("test", Tank("Empty"), litres=7) == Tank(Full(7))
        assert await pump.fill("test", Tank("Empty")) == Tank(Full(5))


async def test_an_error_keeps_its_name_and_parameters(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", (Pump, Works())):
        with pytest.raises(RpcError) as caught:
            await client(Pump, tmp_path / "s").fill("test", Tank("Empty"), 101)
        assert (caught.value.name, caught.value.params) == ("Overflow", ["tank", 101])


async def test_the_unexpected_is_an_internal_error(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", (Pump, Works())):
        with pytest.raises(RpcError, match="Internal_error") as caught:
            await client(Pump, tmp_path / "s").drain("test")
        assert "the pump is broken" in caught.value.params[0]


async def test_the_wire_is_a_json_rpc_post_with_named_parameters(tmp_path: Path) -> None:
    body = b'{"method":"Pump.fill","params":[{"dbg":"x","tank":{"level":"Empty"},"unknown":1}],"id":9}'
    async with serve(tmp_path / "s", (Pump, Works())):
        answer = await raw(tmp_path / "s", b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.endswith(b'{"result":{"level":["Full",5]},"error":null,"id":0}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "not a JSON-RPC call"),
        (b'{"method":"Pump.explode","params":[{}]}', "Unimplemented"),
        (b'{"method":"Pump.fill","params":[{"dbg":"x"}]}', "missing required field `tank`"),
        (b'{"method":"Pump.fill","params":[{"dbg":"x","tank":{"level":"Half"}}]}', "Internal_error"),
    ],
)
async def test_bad_calls_are_answered(tmp_path: Path, body: bytes, error: str) -> None:
    async with serve(tmp_path / "s", (Pump, Works())):
        answer = await raw(tmp_path / "s", b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert error.encode() in answer


async def test_plain_http_goes_to_its_own_handler(tmp_path: Path) -> None:
    async with serve(tmp_path / "s", (Pump, Works()), http=hello):
        answer = await raw(tmp_path / "s", b"GET /metrics?start=1 HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"GET /metrics start=1")


async def test_a_client_waits_for_a_daemon_that_is_restarting(tmp_path: Path) -> None:
    pump = client(Pump, tmp_path / "s")
    call = asyncio.create_task(pump.fill("test", Tank("Empty")))
    await asyncio.sleep(0)
    async with serve(tmp_path / "s", (Pump, Works())):
        assert await call == Tank(Full(5))
    async with serve(tmp_path / "s", (Pump, Works())):
        assert await pump.fill("test", Tank("Empty")) == Tank(Full(5))


async def test_nobody_listening_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        await client(Pump, tmp_path / "s", patience=0).fill("test", Tank("Empty"))


async def test_long_socket_paths_work(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "s"
    async with serve(deep, (Pump, Works())):
        assert await client(Pump, deep).fill("test", Tank("Empty")) == Tank(Full(5))


async def test_a_daemon_that_died_between_calls_is_met_again(tmp_path: Path) -> None:
    pump = client(Pump, tmp_path / "s")
    for _ in range(3):
        async with serve(tmp_path / "s", (Pump, Works())):
            assert await pump.fill("test", Tank("Empty")) == Tank(Full(5))
