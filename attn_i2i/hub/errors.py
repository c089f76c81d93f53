"""What went wrong with the Hub, in one line that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import DiskFullError
from ..types import AttnI2IError
from .redact import redact_chain, redacted

LOG_IN = "log in with hf auth login (or set HF_TOKEN)"
TRANSPORTS = ("httpcore", "httpx", "httpx2", "requests", "urllib3")


class HubError(AttnI2IError, OSError):
    """The Hub, or the way to it, does not give what was asked for. Its message holds no secret of an address."""

    __str__ = Exception.__str__

    def __init__(self, message: object = "", *rest: object) -> None:
        super().__init__(redacted(str(message)), *rest)


class LicenceError(AttnI2IError):
    """A model whose licence has to be accepted first."""


class TransientError(HubError):
    """A failure that may pass when asked again."""


@contextmanager
def explained(repo: str, folder: Path | None = None) -> Iterator[None]:
    """Raise HubError for whatever the Hub client or the disk raises inside; ``folder`` is what is written to."""
    try:
        yield
    except AttnI2IError:
        raise
    except Exception as error:
        translated = _translated(error, repo, folder)
        redact_chain(error)
        if translated is None:
            raise
        raise translated from error


def _translated(error: Exception, repo: str, folder: Path | None) -> AttnI2IError | None:
    """This library's error for one of the client's, of its transport's or of the disk; None for any other."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # the client wraps what happened when it asked
    if isinstance(error, RuntimeError) and str(error).startswith("Error while upload") and error.__cause__:
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if isinstance(error, errors.HFValidationError):
        return HubError(f"{repo!r} is not the name of a Hub repository: expected owner/name.")
    if isinstance(error, errors.HfHubHTTPError):
        return _of_answer(repo, error)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return offline(repo)
    if isinstance(error, errors.FileMetadataError):
        return no_hub(repo)
    if type(error).__module__.partition(".")[0] in TRANSPORTS:
        return TransientError(f"{repo}: the connection to the Hub failed ({_first_line(error)}): try again.")
    if isinstance(error, ValueError):
        return HubError(
            f"{repo}: what the Hub answered makes no sense ({_first_line(error)}): nothing was stored; try again later."
        )
    return _of_disk(repo, error, folder) if isinstance(error, OSError) else None


def offline(repo: str) -> HubError:
    """The error for a model that would have to be fetched now."""
    return HubError(
        f"{repo} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it: unset it, or copy the model into"
        " the model store (attn-i2i doctor shows where that is)."
    )


def no_hub(repo: str) -> HubError:
    """The error for an answer that no Hub would give."""
    from huggingface_hub import constants

    return HubError(
        f"{repo}: {constants.ENDPOINT} answered without what a Hub says of a file (its commit and checksum): check"
        " HF_ENDPOINT and the proxy; nothing was stored."
    )


def _of_answer(repo: str, error: Exception) -> HubError:
    from huggingface_hub import constants, errors, get_token

    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"{constants.ENDPOINT}/{repo}"
    if isinstance(error, errors.GatedRepoError):  # before RepositoryNotFoundError, which it derives from
        return HubError(f"{repo} is gated: accept its terms at {page}, then {LOG_IN}.")
    if isinstance(error, errors.RepositoryNotFoundError):
        forward = "check the name" if get_token() else f"check the name, or {LOG_IN}"
        return HubError(f"{repo} does not exist on the Hub, or is private: {forward} ({page}).")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(f"{repo} has no such revision: see {page}/commits/main for those it has.")
    if isinstance(error, errors.EntryNotFoundError):
        return HubError(
            f"{repo} is no model of this library, or not whole: {_missing(error)} is not there. A checkpoint in it is"
            " converted first (attn-i2i convert FILE -o DIR)."
        )
    if status in (401, 403):
        return HubError(f"{repo}: the Hub refused access ({status}): {LOG_IN} again.")
    if status == 429:
        return TransientError(f"{repo}: the Hub asks to slow down (429): wait some minutes and try again.")
    if status == 408 or (status is not None and status >= 500):
        return TransientError(f"{repo}: the Hub is out of order ({status}): try again later; nothing was lost.")
    return HubError(f"{repo}: the Hub answered {status}: {_first_line(error)}")


def _of_disk(repo: str, error: OSError, folder: Path | None) -> AttnI2IError:
    where = folder or "the cache"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"The disk of {where} is full: make room for {repo}, or set ATTN_I2I_HOME elsewhere.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return HubError(
            f"{where} may not be written to, so {repo} cannot be kept: set ATTN_I2I_HOME to a folder of yours."
        )
    return TransientError(
        f"{repo}: the connection broke off ({_first_line(error)}): try again; what is whole was kept."
    )


def _missing(error: Exception) -> str:
    """The file that a "not found" answer is about."""
    url = str(getattr(getattr(error, "response", None), "url", ""))
    return url.rpartition("/")[2] or "a file"


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.partition("\n")[0][:200].rstrip(".:")
