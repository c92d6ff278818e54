"""Collections on disk as the protocols want them: which image has which style, content and part in a split."""

from __future__ import annotations

from pathlib import Path

from stylesearch.errors import InputError
from stylesearch.evaluation.listing import (
    Listing,
    cell,
    images_below,
    names_in,
    read_rows,
    read_table,
    split_in,
)
from stylesearch.evaluation.splits import class_split, random_split

WIKIART_TABLE = "wikiart.csv"
DOMAINS = ("clipart", "infograph", "painting", "real", "sketch")
LEFT_OUT_DOMAIN = "quickdraw"
"""DomainNet's sixth domain; the CSD paper leaves it out, as its style is that of the sketches."""


def read_crossed(source: Path) -> Listing:
    """Read images with a style and a content: a folder ``STYLE/CONTENT.EXT``, or a table.

    A table is CSV (or JSON lines, one object a line) with the columns ``path``, relative to the table, ``style`` and
    ``content``.

    Raises
    ------
    InputError
        If there is no such folder or table, it holds no images, or something is missing in it.
    """
    if source.is_file():
        listing = read_table(source)
        if listing.contents is None:
            raise InputError(
                f"{source} has no column content.", hint="Name what each image shows.", code="labels_table"
            )
        return listing
    pairs = [(path, parts[0], Path(parts[1]).stem) for path, parts in images_below(source) if len(parts) == 2]
    if not pairs:
        raise InputError(
            f"{source} is not laid out as STYLE/CONTENT.EXT.",
            hint="Put one folder for each style into it, each with images named after what they show, or give a table.",
            code="layout",
        )
    return Listing(
        source,
        tuple(path for path, _, _ in pairs),
        tuple(frozenset({style}) for _, style, _ in pairs),
        tuple(content for _, _, content in pairs),
    )


def read_wikiart(source: Path, *, seed: int = 0) -> Listing:
    """Read WikiArt with the artist as the label, in the layout that the CSD paper's code uses.

    - A folder with ``wikiart.csv``, columns ``name`` (the file's name), ``artist`` and, best, ``split`` (``query`` or
      ``database``), and the images below it, as ``wikiart/GENRE/NAME.jpg``. The column ``path`` is used where a file of
      that path exists.
    - A folder without the table, as it is downloaded: ``GENRE/ARTIST_TITLE.jpg``. The artist is what stands before the
      first underscore.
    - A table elsewhere, with ``path`` and ``artist``.

    Without the column ``split``, images are divided by :func:`~stylesearch.evaluation.splits.random_split`, which is not
    the paper's own draw; the result's notes say so.

    Raises
    ------
    InputError
        If there is no such folder or table, or it is laid out otherwise.
    """
    table = source if source.is_file() else source / WIKIART_TABLE
    if source.is_file() and source.name != WIKIART_TABLE:
        listing = read_table(source)
    elif table.is_file():
        listing = _read_wikiart_table(table)
    else:
        listing = _read_wikiart_folder(source)
    if listing.splits is not None:
        return listing
    note = f"The split is our own draw with seed {seed}, not the CSD paper's: give its table with the column split for that."
    return Listing(
        listing.root,
        listing.paths,
        listing.styles,
        listing.contents,
        random_split(len(listing), seed=seed),
        (*listing.notes, note),
    )


def read_domainnet(source: Path, *, seed: int = 0, query_classes: frozenset[str] | None = None) -> Listing:
    """Read DomainNet with the domain as the label: a folder ``DOMAIN/CLASS/IMAGE``, or a table.

    The domain quickdraw is left out, as in the CSD paper. Images are divided by class, so that no query has its content
    in the database; see :func:`~stylesearch.evaluation.splits.class_split`. A table has the columns ``path``, ``domain``,
    ``class`` and perhaps ``split``.

    Parameters
    ----------
    source, seed:
        Where it is; for the split.
    query_classes:
        Classes to search with; drawn if not given.

    Raises
    ------
    InputError
        If there is no such folder or table, or it is laid out otherwise.
    """
    if source.is_file():
        listing = read_table(source)
    else:
        found = [
            (path, parts[0], parts[1])
            for path, parts in images_below(source)
            if len(parts) == 3 and parts[0] in (*DOMAINS, LEFT_OUT_DOMAIN)
        ]
        if not found:
            raise InputError(
                f"{source} is not laid out as DomainNet: DOMAIN/CLASS/IMAGE with the domains {', '.join(DOMAINS)}.",
                hint="Name the folder that the domains' folders are in, or give a table with path, domain and class.",
                code="layout",
            )
        listing = Listing(
            source,
            tuple(path for path, _, _ in found),
            tuple(frozenset({domain}) for _, domain, _ in found),
            tuple(name for _, _, name in found),
        )
    listing = listing.take(place for place, names in enumerate(listing.styles) if names != {LEFT_OUT_DOMAIN})
    if listing.splits is not None:
        return listing
    if listing.contents is None:
        raise InputError(
            f"{source} has neither a column class nor a column split.",
            hint="Name what each image shows, so that it can be divided.",
            code="labels_table",
        )
    splits = class_split(listing.contents, seed=seed, query_classes=query_classes)
    kept = [place for place, split in enumerate(splits) if split is not None]
    chosen = listing.take(kept)
    note = (
        f"The classes to search with are {'given' if query_classes else f'our own draw with seed {seed}'},"
        " not the CSD paper's grouping by word2vec, which is not published."
    )
    return Listing(
        chosen.root,
        chosen.paths,
        chosen.styles,
        chosen.contents,
        tuple(split for split in splits if split is not None),
        (*chosen.notes, note),
    )


def _read_wikiart_table(table: Path) -> Listing:
    rows = read_rows(table)
    first = rows[0][1]
    if "artist" not in first or not {"name", "path"} & set(first):
        raise InputError(
            f"{table} needs the columns artist and name; it has {', '.join(first) or 'none'}.",
            hint="Use the table that goes with the CSD paper's code.",
            code="labels_table",
        )
    by_name = {Path(path).name: path for path, _ in images_below(table.parent)}
    paths, artists, splits = [], [], []
    missing = []
    for line, row in rows:
        given = str(row.get("path") or "")
        name = Path(given).name if given else cell(row, "name", line, table)
        path = given if given and (table.parent / given).is_file() else by_name.get(name)
        if path is None:
            missing.append(name)
            continue
        paths.append(path)
        artists.append(names_in(row, "artist", line, table))
        if "split" in first:
            splits.append(split_in(cell(row, "split", line, table), line, table))
    if not paths:
        raise InputError(
            f"None of the {len(rows)} images in {table} is there, the first being {missing[0]}.",
            hint="Unpack WikiArt beside the table, as wikiart/GENRE/NAME.jpg.",
            code="layout",
        )
    note = (
        f"{len(missing)} of the table's {len(rows)} images are not there and were left out."
        if missing
        else ""
    )
    return Listing(
        table.parent,
        tuple(paths),
        tuple(artists),
        None,
        tuple(splits) if "split" in first else None,
        (note,) if note else (),
    )


def _read_wikiart_folder(folder: Path) -> Listing:
    found = [
        (path, parts[-1].partition("_")[0])
        for path, parts in images_below(folder)
        if len(parts) in (2, 3) and "_" in parts[-1]
    ]
    if not found:
        raise InputError(
            f"{folder} is not laid out as WikiArt: neither {WIKIART_TABLE} nor images GENRE/ARTIST_TITLE.jpg are in it.",
            hint="Name the folder that wikiart.csv or the genres' folders are in.",
            code="layout",
        )
    return Listing(
        folder, tuple(path for path, _ in found), tuple(frozenset({artist}) for _, artist in found)
    )
