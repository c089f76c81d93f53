"""Headers of tar files that ask for no more memory than a name can need."""

from __future__ import annotations

import tarfile
from typing import Any

# Bytes of a header beside a member's own: long names, and what pax adds to times and owners.
MOST_HEADER = 2**20
READ_WHOLE = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


class BoundedTarInfo(tarfile.TarInfo):
    """A member for ``tarfile.open(..., tarinfo=BoundedTarInfo)``, which reads long names and pax headers whole.

    One that says it is larger than ``MOST_HEADER`` is refused unread, as tarfile.ReadError.
    """

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> BoundedTarInfo:
        """The header in a block of 512 bytes."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in READ_WHOLE and member.size > MOST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes, where names take {MOST_HEADER:,} at most")
        return member
