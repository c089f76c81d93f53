"""How the small Hub on loopback answers: the routes that the real client asks for, and the faults of each answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from .fakehub import FakeHub


Fault = int | Literal["corrupt", "drop", "short", "slow", "no length"] | dict[str, str | None]
"""A status; wrong bytes of the right size; a connection closed half-way; a body cut short that says so; a pause
before the body; no Content-Length; or headers to replace (None removes one)."""


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str) -> bool:
    return path.endswith((".safetensors", ".png", ".pth")) or ".data-" in path


class Handler(BaseHTTPRequestHandler):
    """Answers one connection. Routes are (methods, pattern, method name); groups become arguments."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body of each small answer waits 40 ms for the headers' receipt
    routes = (
        ("HEAD GET", r"/(?:spaces/|datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
        ("HEAD GET", r"/elsewhere/([0-9a-f]{64})", "elsewhere"),
        ("GET", r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", "info"),
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/repos/create", "create"),
        ("POST", r"/api/validate-yaml", "validate"),
        ("POST", r"/api/models/([^/]+/[^/]+)/preupload/([^/]+)", "preupload"),
        ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "batch"),
        ("PUT", r"/upload/([0-9a-f]{64})", "upload"),
        ("POST", r"/api/models/([^/]+/[^/]+)/commit/([^/]+)", "commit"),
    )

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.body = self._body()
        self.hub.requests.append((self.command, path))
        self.authorized = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        self.fault = self.hub.take_fault(self.command, path)
        if isinstance(self.fault, int):
            return self.refuse(self.fault, "", "injected")
        for methods, pattern, name in self.routes:
            if self.command in methods.split() and (match := re.fullmatch(pattern, path)):
                answer: Callable[..., None] = getattr(self, name)
                return answer(*match.groups())
        return self.refuse(404, "", f"no route for {self.command} {path}")

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def resolve(self, name: str, revision: str, path: str) -> None:
        commit = self._commit(name, revision)
        if commit is None:
            return None
        content = self.hub.repos[name].commits[commit].get(path)
        if content is None:
            return self.refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{git_hash(content)}"', "Accept-Ranges": "bytes"}
        if is_large(path):
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"ETag": f'"{digest}"', "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            if self.hub.redirect:
                return self.send(302, b"", headers | {"Location": f"{self.hub.other_host}/elsewhere/{digest}"})
        return self._send_range(content, headers)

    def elsewhere(self, digest: str) -> None:
        if self.headers.get("Authorization"):
            self.hub.leaked.append(self.path)
        files = (f for repo in self.hub.repos.values() for commit in repo.commits.values() for f in commit.values())
        content = next((f for f in files if hashlib.sha256(f).hexdigest() == digest), None)
        return self.refuse(404, "", "gone") if content is None else self._send_range(content, {"ETag": f'"{digest}"'})

    def info(self, name: str, revision: str | None) -> None:
        if commit := self._commit(name, revision or "main"):
            files = [{"rfilename": path} for path in self.hub.repos[name].commits[commit]]
            self.reply({"id": name, "modelId": name, "sha": commit, "private": False, "tags": [], "siblings": files})

    def whoami(self) -> None:
        orgs = [{"name": name} for name in self.hub.owners]
        user = {"name": "tester", "type": "user", "orgs": orgs, "auth": {"accessToken": {"role": self.hub.role}}}
        return self.reply(user) if self.authorized else self.refuse(401, "", "Invalid credentials")

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'tester'}/{asked['name']}"
        if not self.authorized:
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        exists = name in self.hub.repos
        if not exists:
            self.hub.put(name, {".gitattributes": b""}, access="private" if asked.get("private") else "open")
        return self.reply({"url": f"{self.hub.url}/{name}", "name": name}, 409 if exists else 200)

    def validate(self) -> None:
        wrong = re.findall(r"license: (?![a-z0-9.-]+$).*", json.loads(self.body)["content"].split("\n---")[0], re.M)
        self.reply({"errors": [{"message": f"not a licence: {one}"} for one in wrong], "warnings": []})

    def preupload(self, name: str, branch: str) -> None:
        files = self.hub.files(name)
        self.reply({"files": [_upload_mode(one["path"], files) for one in json.loads(self.body)["files"]]})

    def batch(self, name: str) -> None:
        objects = [
            {**one, "authenticated": True, "actions": {"upload": {"href": f"{self.hub.url}/upload/{one['oid']}"}}}
            for one in json.loads(self.body)["objects"]
        ]
        media = {"Content-Type": "application/vnd.git-lfs+json"}
        self.reply({"transfer": "basic", "objects": objects}, headers=media)

    def upload(self, digest: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != digest:
            return self.refuse(400, "", "sha256 mismatch")
        self.hub.uploads[digest] = self.body
        return self.send(200)

    def commit(self, name: str, branch: str) -> None:
        if not self.authorized:
            return self.refuse(403, "", "no right to write")
        files = {}
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
        commit = self.hub.put(name, files, branch=branch)
        return self.reply({"commitUrl": f"{self.hub.url}/{name}/commit/{commit}", "commitOid": commit})

    def _commit(self, name: str, revision: str) -> str | None:
        """The commit meant, or the Hub's own refusal and None."""
        repo = self.hub.repos.get(name)
        if repo is None or (repo.access == "private" and not self.authorized):
            self.refuse(404 if self.authorized else 401, "RepoNotFound", "Repository not found")
        elif repo.access == "gated" and not self.authorized:
            self.refuse(401, "GatedRepo", f"Access to model {name} is restricted")
        else:
            commit = repo.branches.get(revision, revision)
            if commit in repo.commits:
                return commit
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None

    def _send_range(self, content: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked is None or self.command == "HEAD":
            return self.send(200, content, headers)
        start, end = int(asked[1]), int(asked[2] or len(content) - 1)
        self.hub.ranges.append((start, end))
        span = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return self.send(206, content[start : end + 1], headers | span)

    def reply(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.fault = None
        named = {"X-Error-Code": code} if code else {}
        self.reply({"error": message}, status, {"X-Error-Message": message, **named, **(headers or {})})

    def send(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Write the answer, spoilt by the fault."""
        fault = self.fault
        final: dict[str, str | None] = {**(headers or {}), "Content-Length": str(len(body))}
        if fault == "corrupt":
            body = bytes(byte ^ 0xFF for byte in body)
        elif fault == "short":
            body = body[: len(body) // 2]
            final["Content-Length"] = str(len(body))
        elif fault == "no length":
            final |= {"Content-Length": None, "Connection": "close"}
            self.close_connection = True
        elif isinstance(fault, dict):
            final |= fault
        self.send_response(status)
        for name, value in final.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write(body, fault)

    def _write(self, body: bytes, fault: Fault | None) -> None:
        if fault == "slow":
            time.sleep(0.3)
        if fault == "drop":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the tests' output clean."""


def _upload_mode(path: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """How a file should come, and the hash of the one that is there, so that the client leaves out what is equal."""
    large = is_large(path)
    told = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
    if path in files:
        told["oid"] = hashlib.sha256(files[path]).hexdigest() if large else git_hash(files[path])
    return told
