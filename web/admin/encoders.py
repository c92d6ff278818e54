"""Encoders and their galleries."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from sqlalchemy import func, select, text

from stylesearch.catalog import upgrades
from stylesearch.catalog.descriptors import Descriptor, EncoderRow, IndexCheck, Whitening
from web.admin.blueprint import admin
from web.identity import require
from web.services import services


@dataclass(frozen=True, slots=True)
class Gallery:
    """An encoder and what it has described.

    Attributes
    ----------
    missing:
        Images that it has not described.
    checks:
        What its indexes were last measured to find.
    indexes:
        The kinds that there are.
    """

    row: EncoderRow
    descriptors: int
    missing: int
    checks: tuple[IndexCheck, ...]
    indexes: tuple[str, ...]
    whitened: bool


@admin.get("/encoders")
@require("curator")
def encoders() -> str:
    """Show encoders, the newest first."""
    with services().database.session() as session:
        rows = session.scalars(select(EncoderRow).order_by(EncoderRow.id.desc())).all()
        found = []
        for row in rows:
            retired = row.status == "retired"
            described = select(func.count()).where(Descriptor.encoder_id == row.id)
            names = {"hnsw": row.index, "binary": row.binary_index}
            found.append(
                Gallery(
                    row,
                    0 if retired else session.scalar(described) or 0,
                    0 if retired else upgrades.undescribed(session, row),
                    tuple(session.scalars(select(IndexCheck).where(IndexCheck.encoder_id == row.id))),
                    tuple(
                        kind
                        for kind, name in names.items()
                        if session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None
                    ),
                    session.get(Whitening, row.id) is not None,
                )
            )
        return render_template("admin/encoders.html", galleries=found)
