"""Who publishes: whether there is a token that may write for an owner, told before anything is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import LOG_IN, HubError, explained


def require_account(owner: str) -> None:
    """Raise HubError where the Hub's token is missing, may only read, or belongs to nobody who writes for ``owner``."""
    from huggingface_hub import HfApi, constants, get_token

    if constants.HF_HUB_OFFLINE:
        raise HubError(f"Nothing can be published to {owner}: HF_HUB_OFFLINE forbids it; unset it.")
    if not get_token():
        raise HubError(f"Publishing to {owner} needs a token that may write: {LOG_IN}.")
    with explained(owner):
        account = HfApi(library_name="attn-i2i").whoami()
    _check(account, owner)


def _check(account: Mapping[str, Any], owner: str) -> None:
    """Hold the Hub's answer against ``owner``; a fine-grained token is asked about when it is used."""
    name = str(account.get("name"))
    token = account.get("auth", {}).get("accessToken", {})
    role = token.get("role") if isinstance(token, Mapping) else None
    if role == "read":
        raise HubError(f"The token of {name} may only read: make one that may write, then {LOG_IN}.")
    groups = [str(group.get("name")) for group in account.get("orgs", ()) if isinstance(group, Mapping)]
    if role == "write" and owner not in (name, *groups):
        listed = ", ".join((name, *groups))
        raise HubError(f"The token of {name} may not write for {owner}: it may for {listed}.")
