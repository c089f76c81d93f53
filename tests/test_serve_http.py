"""What a served page tells over HTTP and on the command line: what went wrong, and nothing of the machine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from attn_i2i.serve.limits import Limits
from attn_i2i.serve.run import PortError, is_loopback, listening
from attn_i2i.serve.told import told, without_paths

from .helpers.commands import Run
from .helpers.serving import SmallShelf, call, new_token, png, served
from .helpers.translators import noise

PATHS = [
    ("/etc/passwd: no such file.", "…/passwd: no such file."),
    ("It is at '/srv/my models/x y/net.pth', see https://example.org/a/b?c=/d", None),
    (r"C:\Users\ann\net.pth is damaged", "…/net.pth is damaged"),
    ("~/models/net.pth is damaged", "…/net.pth is damaged"),
    ("Load hf-hub:acme/model, or acme/model; 3/4 of 1/2", "Load hf-hub:acme/model, or acme/model; 3/4 of 1/2"),
    (f"{Path.home()}: not a folder", "…: not a folder"),
]


@pytest.mark.parametrize(("text", "shown"), PATHS)
def test_messages_name_no_folder(text: str, shown: str | None) -> None:
    result = without_paths(text)
    if shown is None:
        assert "/srv" not in result
        assert "https://example.org/a/b" in result
    else:
        assert result == shown


def test_what_nobody_expected_is_told_by_a_number(caplog: pytest.LogCaptureFixture) -> None:
    text = told(OSError(2, "No such file or directory", "/home/ann/key"))
    assert "ann" not in text
    number = text.partition("error ")[2].split()[0]
    assert number in caplog.text
    assert "/home/ann/key" in caplog.text


# Path, method, body, status and some of the words of requests that are refused.
REFUSED = [
    ("/api/picture", "POST", b"x" * 2001, 413, "more than the 0.00191 MB"),
    ("/api/picture", "POST", b"", 400, "The file is empty."),
    ("/api/picture", "POST", b"%PDF-1.7", 400, "passwd is a PDF"),
    ("/api/translate/0", "POST", b"[" * 9, 400, "no JSON"),
    ("/api/translate/0", "POST", b'{"model": "../../etc"}', 404, "No model is named"),
    ("/api/translate/7", "DELETE", None, 400, "expected 0 or 1"),
    ("/api/part/0/output?strength=nan", "GET", None, 400, "expected a number from 0 to 1"),
    ("/api/part/0/output?threshold=x", "GET", None, 400, "expected a number"),
    ("/api/part/0/output", "GET", None, 400, "There is no translation yet"),
    ("/api/download", "GET", None, 400, "There is no translation to download yet"),
    ("/api/input", "GET", None, 400, "There is no picture yet"),
]


def test_answers_over_http_tell_what_is_wrong_and_nothing_else() -> None:
    with served(SmallShelf(), Limits(upload_bytes=2000)) as address:
        token = new_token(address)
        headers = {"x_session": token}
        status, page, sent = call(address + "/")
        assert (status, b"<title>" in page) == (200, True)
        assert "default-src 'none'" in sent["content-security-policy"]
        for path in (
            "/file=/etc/passwd",
            "/gradio_api/file=/etc/passwd",
            "/api/samples/..%2f..%2fetc%2fpasswd",
            "/x.js",
        ):
            assert call(address + path)[0] == 404
        assert call(address + "/api/session", method="POST")[0] == 400
        assert call(address + "/api/state", x_session="guessed")[0] == 410
        assert call(address + "/", host="evil.example")[0] == 400
        for path, method, body, expected, words in REFUSED:
            status, content, _ = call(
                address + path, method=method, body=body, x_name="..%2F..%2Fetc%2Fpasswd", **headers
            )
            assert (status, words in json.loads(content)["error"]) == (expected, True), content
        status, content, _ = call(
            address + "/api/picture", method="POST", body=png(noise()), x_name="%2Ftmp%2F.a.png", **headers
        )
        assert (status, json.loads(content)["picture"]["name"]) == (200, "a.png")


def test_addresses_are_told_apart_and_a_taken_port_is_named() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org")))
    with listening("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(PortError, match="choose another port"):
            listening("127.0.0.1", port)
    with pytest.raises(
        PortError, match=r"cannot be listened on \([^()\[]*\): name an address of this machine, such as"
    ):
        listening("no such host", 0)


def test_the_command_says_the_address_and_who_can_reach_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda server, sockets: None)
    code, out, err = run("serve", "--port", 0)
    assert code == 0
    assert re.fullmatch(r"page: http://127\.0\.0\.1:\d+/\n", out)
    assert "warning" not in err
    code, _, err = run("serve", "attentiongan2-flat2clay", "--host", "0.0.0.0", "--port", 0)
    assert (code, "everybody who reaches this machine" in err) == (0, True)
    code, _, err = run("serve", "attentiongan2-flat2cla")
    assert (code, "Did you mean" in err) == (2, True)


def test_without_the_extra_the_command_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("attn_i2i.serve")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = run("serve")
    assert (code, "pip install 'attn-i2i[serve]'" in err) == (1, True)
