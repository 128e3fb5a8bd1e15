"""The least that a live server can do, as a program: shake hands, and write one frame to everybody for each POST.

    python -m bench.least PORT FILE

The frame comes from FILE; the customer's words in it are replaced by those that were posted.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys
from pathlib import Path

# Each text has a mark of its own, always as long.
MARK = re.compile(rb"text\d{6}")


class LeastServer(asyncio.Protocol):
    frame = b""
    everybody: list[asyncio.Transport] = []

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET"):
            self._shake_hands(data)
        elif data.startswith(b"POST"):
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            frame = MARK.sub(MARK.search(data)[0], self.frame)
            for viewer in self.everybody:
                viewer.write(frame)

    def _shake_hands(self, request: bytes) -> None:
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        self.transport.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.transport.write(b"\x81\x0e<live-position")
        self.everybody.append(self.transport)

    def connection_lost(self, problem: Exception | None) -> None:
        if self.transport in self.everybody:
            self.everybody.remove(self.transport)


async def serve(port: int, frame: bytes) -> None:
    LeastServer.frame = frame
    server = await asyncio.get_running_loop().create_server(LeastServer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))
