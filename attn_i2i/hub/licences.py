"""Licences that must be accepted once; the answer is remembered in the model store."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from ..files import atomic_path
from ..models.card import is_restricted
from ..models.places import model_store
from ..models.trust import check_private
from .errors import LicenceError


def require_licence(name: str, licence: str | None, accepted: bool, note: str = "") -> None:
    """Raise LicenceError for a restricted licence that was not accepted, now or earlier, for this model."""
    if licence is None or not is_restricted(licence):
        return
    remembered = model_store() / ".licences" / quote(name, safe="")
    check_private(model_store(), remembered.parent)
    if accepted:
        with suppress(OSError):  # where nothing can be stored it is asked again next time
            remembered.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(remembered, force=True) as temporary:
                temporary.write_text(licence, encoding="utf-8")
        return
    if remembered.is_file() and remembered.read_text(encoding="utf-8") == licence:
        return
    why = note or "Not for commercial use."
    raise LicenceError(f"{name} is under {licence}. {why} Accept it with accept_license=True; this is asked once.")
