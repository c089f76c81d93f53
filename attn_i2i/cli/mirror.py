"""``attn-i2i mirror``: put models of the zoo on the Hub, which needs a token."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..models.cards import get_card
from .wording import spelled


def mirror(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Zoo names of models.")],
    owner: Annotated[str, typer.Option("--to", metavar="OWNER", help="Who the repositories on the Hub belong to.")],
    cards: Annotated[
        Path | None, typer.Option(help="Folder of cards, such as a checkout's zoo/, to write [weights] into.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make new repositories private.")] = False,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept restricted licences.")] = False,
) -> None:
    """Publish models of the zoo, if their licence allows it.

    The authors' files are fetched, converted and verified first.
    With --cards the [weights] of each card become those that were published.
    """
    from ..hub.mirror import mirror_models

    left = list(dict.fromkeys(get_card(name).name for name in names))
    count, failed = len(left), []
    rows = mirror_models(left[:], owner, cards=cards, private=private, accept_license=accept_license)
    try:
        for name, done in rows:
            left.remove(name)
            print(f"{name}: {spelled(done.told)}", flush=True)
            if done.published is not None and (cards is None or done.failed):
                print(f"\n{done.published.card_lines()}\n", flush=True)
            failed += [name] if done.failed else []
    except KeyboardInterrupt:
        print(f"stopped before: {', '.join(left)}. What is published stays; run the same line again.", file=sys.stderr)
        raise
    if failed:
        print(f"error: {len(failed)} of {count} not mirrored: {', '.join(failed)}", file=sys.stderr)
        raise typer.Exit(1)
