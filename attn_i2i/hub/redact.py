"""Messages as they may be shown: without passwords, signed queries and tokens, and without commands to a terminal."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"""\b([a-z][a-z0-9+.-]*)://([^\s'"<>]+)""", re.IGNORECASE)
_TOKEN = re.compile(r"\b(hf_)[A-Za-z0-9]{6,}|\b(Bearer )[\w.~+/=-]{6,}")
# Parts of a query that only say which file is meant. Whatever else stands there may be a key or a signature.
HARMLESS = {"id", "export", "download", "dl", "raw", "v", "usp", "revision"}


def redacted(text: str) -> str:
    """``text`` with each address as far as it can be shown: no user, no password, no query that may be a signature.

    >>> redacted("https://me:secret@example.org/a.pth?sig=abc broke off")
    'https://***@example.org/a.pth?... broke off'
    """
    shown = _ADDRESS.sub(lambda match: f"{match[1]}://{_address(match[2])}", text)
    return _TOKEN.sub(lambda match: f"{match[1] or match[2]}***", shown)


def redact_chain(error: BaseException | None) -> None:
    """Take the secrets out of an error's messages, and of those that it was raised from: tracebacks show all."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.args = tuple(redacted(part) if isinstance(part, str) else part for part in error.args)
        error = error.__cause__ or error.__context__


def visible(text: str) -> str:
    r"""``text`` with control characters escaped: in a file's name they would colour, clear or retitle a terminal.

    Ends of lines and tabs stay.

    >>> visible("\x1b[31mred")
    '\\x1b[31mred'
    """
    return re.sub(r"(?![\n\t])[\x00-\x1f\x7f-\x9f]", lambda match: ascii(match[0])[1:-1], text)


def _address(rest: str) -> str:
    """What follows ``://``; marks of the sentence around an address stay."""
    bare = rest.rstrip(").,;:!]}")
    end = rest[len(bare) :]
    user = re.match(r"[^/]*@", bare)
    host = "***@" + bare[user.end() :] if user else bare
    path, mark, query = host.partition("?")
    path, hash_mark, fragment = path.partition("#")
    names = {part.partition("=")[0].lower() for part in query.partition("#")[0].split("&")}
    if query and (not names <= HARMLESS or "#" in query):
        query = "..."
    if hash_mark:
        return f"{path}#{fragment if re.fullmatch('[A-Za-z0-9_-]{0,40}', fragment) and not mark else '...'}{end}"
    return f"{path}{mark}{query}{end}"
