"""How often a study's 95 % intervals hold the truth: ``python -m tests.tools.study_coverage [RUNS]``.

Prints the table of docs/metrics.md. Raters and pictures have effects of their own on the logit of the preference.
"""

from __future__ import annotations

import sys

from ..helpers.raters import covered, true_share

# Raters, pictures, logit of the preference, spread of both effects, share of the pictures that a rater sees.
CASES = (
    (10, 40, 0.0, 0.0, 1.0),
    (10, 40, 0.5, 0.5, 1.0),
    (20, 40, 0.5, 0.5, 1.0),
    (20, 40, 1.5, 0.5, 1.0),
    (20, 40, 0.5, 1.0, 1.0),
    (40, 100, 0.5, 0.5, 0.4),
)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 250
    print(f"| raters | pictures | true share | spread | pictures seen | held, of {runs} |\n|--:|--:|--:|--:|--:|--:|")
    for raters, pictures, tilt, spread, shown in CASES:
        held = covered(runs, raters, pictures, tilt=tilt, spread=spread, shown=shown)
        share = true_share(tilt=tilt, spread=spread)
        print(f"| {raters} | {pictures} | {share:.2f} | {spread} | {shown:.0%} | {held:.1%} |", flush=True)


if __name__ == "__main__":
    main()
