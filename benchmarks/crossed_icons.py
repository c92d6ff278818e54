"""Does a descriptor tell how an icon is drawn from what it shows? Six themes that nothing was ever trained on.

The icons are those of 48 pixels or more whose names at least three of the themes share: the same things, drawn in six
manners. Every icon is a query against all others, with the same thing in the other manners left in. All rows of the
table come from one run.

    python benchmarks/crossed_icons.py --packages FOLDER

FOLDER keeps the Debian packages, which are fetched into it if they are missing. The table and the plots are written to
benchmarks/results/crossed_icons.
"""

import argparse
import csv
import sys
from pathlib import Path

from stylesearch.cli.main import main as stylesearch
from stylesearch.training.data.apt import fetch
from stylesearch.training.data.icons import crossed_icons
from stylesearch.training.data.packages import TEST_PACKAGES

RESULTS = Path(__file__).parent / "results" / "crossed_icons"
SHARED_BY = 3
BASELINES = ("pooled", "statistics", "gram", "rgb-histogram")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, required=True, help="folder of unpacked Debian packages")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--encoder", action="append", help="slug, repeatable; lite by default")
    options = parser.parse_args()

    fetch(sorted(TEST_PACKAGES), options.packages)
    icons = crossed_icons(options.packages, TEST_PACKAGES, shared_by=SHARED_BY)
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.packages / "crossed_icons.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "style", "content"))
        writer.writerows(
            (icon.path.relative_to(options.packages), icon.style, icon.content) for icon in icons
        )
    described = [word for slug in options.encoder or ["lite"] for word in ("--encoder", slug)]
    described += [word for name in BASELINES for word in ("--baseline", name)]
    sys.argv[0] = "stylesearch"
    stylesearch(["evaluate", "crossed", str(table), *described, "--out", str(options.out)])


if __name__ == "__main__":
    main()
