"""Does a descriptor tell how an icon is drawn from what it shows? Six themes that nothing was ever trained on.

The icons are those of 48 pixels or more whose names at least three of the themes share: the same things, drawn in six
manners. Every icon is a query against all others, with the same thing in the other manners left in. All rows of the
table come from one run.

    python benchmarks/crossed_icons.py --packages FOLDER

FOLDER keeps the Debian packages, which are fetched into it if they are missing. The table and the plots are written to
benchmarks/results/crossed_icons; descriptors are kept there too, so a second run is quick.
"""

import contextlib
import csv
from pathlib import Path

from record import arguments, limit_text, machine, machine_text

from stylesearch.cli.main import cli
from stylesearch.local.apt import fetch
from stylesearch.training.data.icons import Icon, crossed_icons
from stylesearch.training.data.packages import TEST_PACKAGES

NAME = "crossed_icons"
TABLE = f"{NAME}.csv"
SHARED_BY = 3
BASELINES = ("pooled", "statistics", "gram", "rgb-histogram")


def main() -> None:
    parser = arguments(__doc__, NAME, limit="most icons of one theme, to try it out")
    parser.add_argument("--encoder", action="append", help="slug, repeatable; lite by default")
    options = parser.parse_args()

    icons = measured_icons(options.packages, options.limit)
    out = options.out.absolute()
    described = [word for slug in options.encoder or ["lite"] for word in ("--encoder", slug)]
    described += [word for name in BASELINES for word in ("--baseline", name)]
    # From within the folder, so that the result names the table and not where it lies on this machine.
    with contextlib.chdir(options.packages):
        write_table(icons, options.packages)
        cli.main(["evaluate", "crossed", TABLE, *described, "--out", str(out)], standalone_mode=False)
    with (out / "crossed.md").open("a", encoding="utf-8") as file:
        if options.limit is not None:
            file.write(f"\n{limit_text(options.limit)}\n")
        file.write(f"\n{machine_text(machine())}\n")


def measured_icons(packages: Path, most: int | None = None) -> list[Icon]:
    """List the icons that are measured on, in a fixed order.

    Parameters
    ----------
    packages:
        Folder of unpacked packages.
    most:
        Most icons of one theme.
    """
    fetch(sorted(TEST_PACKAGES), packages)
    return crossed_icons(packages, TEST_PACKAGES, shared_by=SHARED_BY, most=most)


def write_table(icons: list[Icon], packages: Path) -> None:
    """Write the icons' paths and labels into the working folder."""
    with Path(TABLE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "style", "content"))
        writer.writerows((icon.path.relative_to(packages), icon.style, icon.content) for icon in icons)


if __name__ == "__main__":
    main()
