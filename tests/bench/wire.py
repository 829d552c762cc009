"""Requests as they go over the wire, made before the clock runs and replayed from a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PROBE = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"


def get(path: str, token: str) -> bytes:
    """A GET with a bearer token."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, token: str, body: str, headers: str = "") -> bytes:
    """A POST of JSON with a bearer token; `headers` are whole lines with their ends."""
    content = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{headers}Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def write(path: Path, requests: Iterable[bytes]) -> int:
    """Write a file of requests, a harmless one first; the number of bytes written."""
    with path.open("wb") as file:
        return sum(file.write(b"%08d%b" % (len(r), r)) for r in (PROBE, *requests))


def read(path: Path) -> list[bytes]:
    """The requests of a file, without the harmless first one."""
    content, found, at = path.read_bytes(), [], 0
    while at < len(content):
        size = int(content[at : at + 8])
        found.append(content[at + 8 : at + 8 + size])
        at += 8 + size
    return found[1:]
