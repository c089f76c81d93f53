"""A server on loopback that behaves, and misbehaves, like the places where published checkpoints lie."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit


@dataclass
class Served:
    """One answer. ``drops`` are bytes after which the next answers break off; ``length`` is what it says instead."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = "auto"
    ranges: bool = True
    drops: list[int] = field(default_factory=list)
    length: int | None = None
    no_length: bool = False
    pause: float = 0.0

    def tag(self) -> str | None:
        return f'"{hashlib.md5(self.body).hexdigest()}"' if self.etag == "auto" else self.etag


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]


class FakeSources:
    """Serves ``files`` by path at ``url`` while entered; ``other`` is the same server under another host's name."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"places": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment]  # clients go away
        port = self._server.server_address[1]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url, self.other = f"{scheme}://127.0.0.1:{port}", f"{scheme}://localhost:{port}"

    def put(self, path: str, body: bytes, **options: object) -> str:
        """Serve ``body`` at ``path``; its address."""
        self.files[path] = Served(body, **options)  # type: ignore[arg-type]
        return self.url + path

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        self.files[path] = Served(status=status, headers={"Location": to})
        return self.url + path

    def record(self, number: str, files: dict[str, bytes], md5: str | None = None) -> None:
        """A Zenodo record with its listing."""
        entries = []
        for name, body in files.items():
            link = self.put(f"/api/records/{number}/files/{name}/content", body)
            checksum = md5 or hashlib.md5(body).hexdigest()
            entries.append({"key": name, "size": len(body), "checksum": f"md5:{checksum}", "links": {"self": link}})
        self.put(f"/api/records/{number}", json.dumps({"files": entries}).encode())

    def project(self, name: str, wheel: str, body: bytes) -> None:
        """A project of a package index with one wheel."""
        self.put(f"/packages/{wheel}", body)
        entry = {
            "filename": wheel,
            "url": f"../../packages/{wheel}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
        }
        kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
        self.put(f"/simple/{name}/", json.dumps({"files": [entry]}).encode(), headers=kind)

    def form(self, drive_id: str, name: str, body: bytes) -> None:
        """A file of Google Drive behind the form that warns of its size."""
        target = self.put(f"/download/{drive_id}", body)
        self.put(
            f"/uc?export=download&id={drive_id}",
            DRIVE_FORM.format(action=target, name=name).replace("\n", "").encode(),
            ranges=False,
        )

    def count(self, path: str) -> int:
        return sum(path in asked.path for asked in self.requests)

    def __enter__(self) -> FakeSources:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    places: FakeSources
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body of each small answer waits 40 ms for the headers' receipt

    def do_GET(self) -> None:
        self.places.requests.append(Asked(self.command, self.path, dict(self.headers)))
        served = self.places.files.get(self.path) or self.places.files.get(urlsplit(self.path).path)
        if served is None:
            served = Served(b"<!DOCTYPE html><title>Not here</title>", 404)
        status, body, extra = served.status, served.body, dict(served.headers)
        tag = served.tag()
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        unchanged = self.headers.get("If-Range") in (None, tag)
        if status == 200 and span and served.ranges and unchanged:
            start, end = int(span[1]), int(span[2] or len(body) - 1)
            if start >= len(body):
                status, body = 416, b""
            else:
                extra["Content-Range"] = f"bytes {start}-{end}/{len(served.body)}"
                status, body = 206, served.body[start : end + 1]
        self.send_response(status)
        if tag and status in (200, 206):
            self.send_header("ETag", tag)
        if served.no_length:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(served.length if served.length is not None else len(body)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(served, body)

    do_HEAD = do_GET  # noqa: N815

    def _write(self, served: Served, body: bytes) -> None:
        if served.pause:
            for start in range(0, len(body), 1000):
                self.wfile.write(body[start : start + 1000])
                time.sleep(served.pause)
            return
        if served.drops:
            self.wfile.write(body[: served.drops.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body)
        if served.length is not None and served.length > len(body):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the tests' output clean."""


DRIVE_FORM = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="{action}" method="get"><input type="hidden" name="id" value="x">
<input type="hidden" name="confirm" value="t"><input type="submit" value="Download {name} anyway"></form></body>"""
DRIVE_QUOTA = """<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try later.</p>"""
DRIVE_PRIVATE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>You need access</body></html>"
LOGIN = '<html><head><title>Portal</title></head><body><form><input type="password"></form></body></html>'
CAPTIVE = "<!doctype html><html><head><title>Free Wi-Fi</title></head><body>Accept the terms</body></html>"
OTHER = "<!DOCTYPE html><html><head><title>Moved &amp; gone</title></head></html>"
