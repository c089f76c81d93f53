"""No password, token or signature of an address is printed."""

from __future__ import annotations

import traceback
import warnings

import pytest

from attn_i2i.cli.main import _one_line, _show_warning
from attn_i2i.doctor import diagnose
from attn_i2i.hub import HubError
from attn_i2i.hub.errors import explained
from attn_i2i.hub.reach import address
from attn_i2i.hub.redact import redacted

SECRETS = [
    "https://cdn.example/a.pth?X-Amz-Signature=SECRET&X-Amz-Expires=60",
    "https://cdn.example/a.pth?id=1&Signature=SECRET",
    "https://me:SECRET@hub.example/a",
    "http://SECRET@hub.example:8080",
    "https://me:SE?CRET@hub.example/a",
    "https://me:SE#CRET@hub.example/a",
    "socks5://me:p@SECRET@proxy.example:1080",
    "https://hub.example/cb#access_token=SECRET",
    "https://hub.example/a?id=1#t=SECRET",
    "s3://SECRET:SECRET@bucket/key",
    "token hf_SECRETSECRET was refused",
    "Authorization: Bearer SECRET.SECRET",
    "('https://cdn.example/a?sig=SECRET', 'https://me:SECRET@b.example').",
    '{"url":"https://cdn.example/a?sig=SECRET"}',
    "HTTPSConnectionPool(host='a', port=443): Max retries exceeded with url: https://a/b?sig=SECRET (Caused by x)",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_taken_out(text: str) -> None:
    shown = redacted(text)
    assert not any(part in shown for part in ("SECRET", "CRET@", "SE?", "SE#"))
    assert redacted(shown) == shown
    assert "SECRET" not in str(HubError(text))


@pytest.mark.parametrize(
    "text",
    [
        "https://drive.google.com/uc?export=download&id=1x_Y-z",
        "https://zenodo.org/records/1/files/a.zip?download=1 broke off",
        "hf-hub:acme/model@v1.0, see https://huggingface.co/acme/model/tree/main.",
        "https://docs.example/page#section-2",
        "a@b.example, 12:30, C:\\\\models\\\\x and /home/me/a@b",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("chained", [True, False])
def test_a_traceback_has_no_secret_either(chained: bool) -> None:
    def fail(chained: bool) -> None:
        with explained("acme/model"):
            try:
                raise ConnectionError(SECRETS[0])
            except ConnectionError as error:
                if chained:
                    raise OSError(f"while fetching {SECRETS[2]}") from error
                raise OSError(f"while fetching {SECRETS[2]}")  # noqa: B904

    with pytest.raises(HubError) as caught:
        fail(chained)
    shown = "".join(traceback.format_exception(caught.value))
    assert "X-Amz-" not in shown
    assert "me:SECRET" not in shown


def test_the_command_line_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "SECRET" not in _one_line(RuntimeError(SECRETS[0]))
    _show_warning(SECRETS[2])
    assert "SECRET" not in capsys.readouterr().err


def test_the_doctor_shows_the_endpoint_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://me:SECRET@127.0.0.1:9")
    assert diagnose()["hub"]["endpoint"] == "http://***@127.0.0.1:9"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://me:SECRET@hub.example:port")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = diagnose()["hub"]
    assert "SECRET" not in str(facts)
    assert "check HF_ENDPOINT" in facts["reachable"]
    with pytest.raises(HubError, match="check HF_ENDPOINT"):
        address("http://hub.example:99999999")
