"""The gallery: the set of descriptors that a report is computed against, and the digest that names it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from stylesearch.attribution.merkle import root
from stylesearch.catalog.access import VISIBLE_SQL
from stylesearch.catalog.connections import raw_connection
from stylesearch.catalog.descriptors import EncoderRow
from stylesearch.evaluation.labels import Indices

LEAF_BYTES = 32
LEAVES_MEMORY = "64MB"
"""What the database may take to put the leaves together: with less, it goes over the disk and takes three times as long."""

# A leaf is of all that the answer hangs on: the picture, its descriptor, who is credited with the work, and what works are
# matched by, parted by signs that no text of the catalogue holds. The names of columns are our own, and the number is the
# encoder's.
_LEAVES = """
    COPY (
        SELECT image.id, work.id, sha256(
            '\\x00'::bytea || image.sha256 || halfvec_send(descriptor.vector) || convert_to(
                coalesce(credit.list, '') || E'\\x1d' || coalesce(work.movement, '') || E'\\x1d'
                || coalesce(work.medium, '') || E'\\x1d' || coalesce(work.year_from::text, '') || E'\\x1d'
                || coalesce(work.year_to::text, ''), 'UTF8'
            )
        )
        FROM descriptor
        JOIN image ON image.id = descriptor.image_id
        JOIN work ON work.id = image.work_id
        LEFT JOIN (
            SELECT work_artist.work_id,
                   string_agg(artist.name || E'\\x1f' || work_artist.role || E'\\x1f' || coalesce(work_artist.qualifier, ''),
                              E'\\x1e' ORDER BY artist.name, work_artist.role) AS list
            FROM work_artist JOIN artist ON artist.id = work_artist.artist_id GROUP BY work_artist.work_id
        ) AS credit ON credit.work_id = work.id
        WHERE descriptor.encoder_id = {encoder} AND {visible}
    ) TO STDOUT (FORMAT BINARY)
"""
_ROW = np.dtype(
    [
        ("fields", ">i2"), ("image_length", ">i4"), ("image", ">i8"), ("work_length", ">i4"), ("work", ">i8"),
        ("leaf_length", ">i4"), ("leaf", "V32"),
    ]
)  # fmt: skip
_KEPT = np.dtype([("image", ">i8"), ("leaf", "V32")])
_HEADER = 19  # of a binary COPY: the signature, flags, and the length of an extension that there is none of


@dataclass(frozen=True, slots=True)
class Leaves:
    """The leaves of a gallery.

    Attributes
    ----------
    images, works:
        ``[n]`` ids of each image and its work, in rising order of the images.
    digests:
        ``[n]`` 32 bytes each.
    """

    images: Indices
    works: Indices
    digests: tuple[bytes, ...]

    def root(self) -> str:
        """Return the Merkle root in hex: equal roots mean that a report would give equal answers."""
        return root(self.digests).hex()

    def of(self, image_id: int) -> str | None:
        """Return an image's leaf in hex; ``None`` where it is not in the gallery."""
        place = int(np.searchsorted(self.images, image_id))
        there = place < len(self.images) and self.images[place] == image_id
        return self.digests[place].hex() if there else None

    def to_bytes(self) -> bytes:
        """Return image ids and digests, 40 bytes a leaf."""
        rows = np.empty(len(self.digests), dtype=_KEPT)
        rows["image"] = self.images
        rows["leaf"] = np.frombuffer(b"".join(self.digests), dtype="V32")
        return rows.tobytes()


@dataclass(frozen=True, slots=True)
class Gallery:
    """A gallery in numbers.

    Attributes
    ----------
    digest:
        Its Merkle root in hex.
    """

    digest: str
    images: int
    works: int
    artists: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How a gallery differs from a former state of it, in images."""

    added: int
    removed: int
    changed: tuple[int, ...]


def read_leaves(session: Session, encoder: EncoderRow) -> Leaves:
    """Return the leaves of an encoder's gallery as it stands in the caller's transaction."""
    session.execute(text(f"SET LOCAL work_mem = '{LEAVES_MEMORY}'"))
    with (
        raw_connection(session).cursor() as cursor,
        cursor.copy(_LEAVES.format(encoder=int(encoder.id), visible=VISIBLE_SQL).encode()) as copy,
    ):
        data = b"".join(map(bytes, copy))
    session.execute(text("SET LOCAL work_mem TO DEFAULT"))
    rows = np.frombuffer(data[_HEADER:-2], dtype=_ROW)
    rows = rows[np.argsort(rows["image"], kind="stable")]
    packed = np.ascontiguousarray(rows["leaf"]).tobytes()
    return Leaves(
        rows["image"].astype(np.int64),
        rows["work"].astype(np.int64),
        tuple(packed[at : at + LEAF_BYTES] for at in range(0, len(packed), LEAF_BYTES)),
    )


def gallery_of(session: Session, encoder: EncoderRow, leaves: Leaves) -> Gallery:
    """Return the gallery that has these leaves, in numbers; read in the same transaction as they were."""
    artists = session.scalar(
        text(
            f"""
            SELECT count(*) FROM artist WHERE EXISTS (
                SELECT FROM work_artist
                JOIN work ON work.id = work_artist.work_id AND {VISIBLE_SQL}
                JOIN image ON image.work_id = work.id
                JOIN descriptor ON descriptor.image_id = image.id AND descriptor.encoder_id = :encoder
                WHERE work_artist.artist_id = artist.id
            )
            """
        ),
        {"encoder": encoder.id},
    )
    return Gallery(leaves.root(), len(leaves.images), len(np.unique(leaves.works)), int(artists or 0))


def read_gallery(session: Session, encoder: EncoderRow) -> Gallery:
    """Return the gallery of an encoder as it stands in the caller's transaction."""
    return gallery_of(session, encoder, read_leaves(session, encoder))


def difference(former: bytes, now: Leaves) -> Difference:
    """Compare a gallery with a former state.

    Parameters
    ----------
    former:
        From :meth:`Leaves.to_bytes`.
    """
    rows = np.frombuffer(former, dtype=_KEPT)
    before = dict(zip(rows["image"].tolist(), map(bytes, rows["leaf"]), strict=True))
    after = dict(zip(now.images.tolist(), now.digests, strict=True))
    changed = tuple(image for image, digest in after.items() if before.get(image, digest) != digest)
    return Difference(len(after.keys() - before.keys()), len(before.keys() - after.keys()), changed)
