"""``attn-i2i mirror``: models of the zoo onto the Hub, for whoever has a token."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .wording import spelled


def mirror(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Zoo names of models.")],
    owner: Annotated[str, typer.Option("--to", metavar="OWNER", help="Who the repositories on the Hub belong to.")],
    cards: Annotated[
        Path | None, typer.Option(help="Folder of cards, such as a checkout's zoo/, to write [weights] into.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make new repositories private.")] = False,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept restricted licences.")] = False,
) -> None:
    """Publish models whose licence allows it. Their official files are fetched, converted and verified first.

    The [weights] of their cards are written, to be committed.
    """
    from ..hub.mirror import mirror_model
    from ..models.cards import get_card

    failed = False
    for name in [get_card(name).name for name in names]:
        done = mirror_model(name, owner, cards=cards, private=private, accept_license=accept_license)
        failed |= done.published is None
        print(f"{name}: {spelled(done.told)}")
        if done.published is not None and cards is None:
            print(f"\n{done.published.card_lines()}\n")
    if failed:
        raise typer.Exit(1)
