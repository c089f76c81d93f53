"""A file of Google Drive: its pages and forms are read by gdown, its bytes come like all others."""

from __future__ import annotations

from ...models.source import Source
from .download import Remote
from .errors import FetchError, is_page, page_words
from .web import ask, check_redirect

DRIVE = "https://drive.google.com"
# Where Google Drive sends a download: a redirect elsewhere is refused.
DRIVE_HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com", ".googleusercontent.com")
MOST_PAGE = 2**20  # bytes; a page that asks something has some kilobytes

ODD_PAGE = (LookupError, ValueError, TypeError, AttributeError)
"""What gdown raises over a form without the parts that it expects, or with an address that is none."""


def locate_drive(source: Source) -> list[Remote]:
    """The address behind Drive's form, which asks about files that are too large for its virus scan."""
    try:
        from gdown.download import get_url_from_gdrive_confirmation
        from gdown.exceptions import FileURLRetrievalError
    except ImportError as error:
        raise FetchError("Google Drive needs gdown: pip install 'attn-i2i[fetch]'") from error
    first = f"{DRIVE}/uc?export=download&id={source.address}"
    with ask(first, hosts=DRIVE_HOSTS) as answer:
        body = answer.read(MOST_PAGE)
        url = answer.url
    if is_page(body):
        text = body.decode("utf-8", "replace")
        words = page_words(text)
        try:
            url = get_url_from_gdrive_confirmation(text)
        except (FileURLRetrievalError, *ODD_PAGE) as error:
            raise FetchError(f"instead of the file came {words}") from error
        check_redirect(first, url, DRIVE_HOSTS)
    (name,) = source.names
    return [Remote(name, url, DRIVE_HOSTS, source.size, source.sha256.get(name))]
