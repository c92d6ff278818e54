"""Every table, in one import: what migrations and tests compare with the database."""

from __future__ import annotations

from stylesearch.catalog.artists import Artist, ArtistAlias, WorkArtist
from stylesearch.catalog.audit import AuditEvent
from stylesearch.catalog.base import Base
from stylesearch.catalog.batches import ReportBatch, ReportItem
from stylesearch.catalog.calibrations import CalibrationRow, SigningKey
from stylesearch.catalog.curations import Curation, CurationImage, CurationPair, CurationTag
from stylesearch.catalog.descriptors import (
    Density,
    Descriptor,
    EncoderRow,
    IndexCheck,
    Shard,
    Whitened,
    Whitening,
)
from stylesearch.catalog.duplicates import NearDuplicate
from stylesearch.catalog.maps import MapPoint, StyleMap
from stylesearch.catalog.people import ApiToken, Invitation, LoginSession, User
from stylesearch.catalog.reports import Report
from stylesearch.catalog.rights import License
from stylesearch.catalog.runs import IngestItem, IngestRun
from stylesearch.catalog.withdrawals import Withdrawal, WithdrawalRequest
from stylesearch.catalog.works import Collection, Image, Work

__all__ = [
    "ApiToken",
    "Artist",
    "ArtistAlias",
    "AuditEvent",
    "Base",
    "CalibrationRow",
    "Collection",
    "Curation",
    "CurationImage",
    "CurationPair",
    "CurationTag",
    "Density",
    "Descriptor",
    "EncoderRow",
    "Image",
    "IndexCheck",
    "IngestItem",
    "IngestRun",
    "Invitation",
    "License",
    "LoginSession",
    "MapPoint",
    "NearDuplicate",
    "Report",
    "ReportBatch",
    "ReportItem",
    "Shard",
    "SigningKey",
    "StyleMap",
    "User",
    "Whitened",
    "Whitening",
    "Withdrawal",
    "WithdrawalRequest",
    "Work",
    "WorkArtist",
]
