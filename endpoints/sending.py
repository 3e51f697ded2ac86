"""Sending a piece of a file: by the kernel (`sendfile`) where the file is one of this machine, in chunks elsewhere.

The event loop's own `sendfile` is not used: uvloop has none. The socket is written to beside its transport instead,
which has nothing to send at that time.
"""

import asyncio
import os
import socket
from typing import BinaryIO, Final

from aiohttp import web

from endpoints.ranges import Piece
from services.storage import FileMissing, StoredFile

SECONDS_WITHOUT_PROGRESS: Final = 60.0
AT_ONCE_BYTES: Final = 1_048_576
"""What one call may send: a bound to how long the loop waits for a disk. A socket takes less at a time."""


async def send_piece(request: web.Request, response: web.StreamResponse, file: StoredFile, piece: Piece) -> None:
    """Send the headers of a response and a piece of a file as its body, and end it.

    Raises ConnectionError when the client is gone or takes nothing for a minute, and FileMissing when the file is
    shorter than it was; the connection is of no use then.
    """
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    if file.handle is None or transport.get_extra_info("sslcontext") is not None:
        await response.prepare(request)
        async for chunk in file.read(piece.start, piece.length):
            await response.write(chunk)
    else:
        await _send_head(request, response, transport)
        await _send_file(transport.get_extra_info("socket").fileno(), file.handle, piece)
    await response.write_eof()


async def _send_head(request: web.Request, response: web.StreamResponse, transport: asyncio.Transport) -> None:
    """Send the headers, and wait until the transport has handed them to the system, so that the file comes after."""
    transport.set_write_buffer_limits(high=0)
    try:
        writer = await response.prepare(request)
        async with asyncio.timeout(SECONDS_WITHOUT_PROGRESS):
            while writer is not None and transport.get_write_buffer_size():
                await writer.drain()
                # A transport that has only just been given something may not have tried yet.
                await asyncio.sleep(0)
    except TimeoutError as error:
        raise ConnectionResetError("the client takes nothing") from error
    finally:
        transport.set_write_buffer_limits()


async def _send_file(connection: int, file: BinaryIO, piece: Piece) -> None:
    """Send by the kernel on a second descriptor of the socket, which the loop may wait for."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(fileno=os.dup(connection))
    descriptor, source = sock.fileno(), file.fileno()
    position, end = piece.start, piece.start + piece.length
    try:
        while position < end:
            try:
                sent = os.sendfile(descriptor, source, position, min(end - position, AT_ONCE_BYTES))
            except BlockingIOError:
                await _writable(loop, descriptor)
                continue
            if not sent:
                raise FileMissing("the file is shorter than it was")
            position += sent
    finally:
        sock.close()


async def _writable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(descriptor, _settle, ready)
    try:
        async with asyncio.timeout(SECONDS_WITHOUT_PROGRESS):
            await ready
    except TimeoutError as error:
        raise ConnectionResetError("the client takes nothing") from error
    finally:
        loop.remove_writer(descriptor)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
