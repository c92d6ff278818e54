"""The pages with which an archive is looked after."""

from web.admin import (  # noqa: F401 - each adds its pages to the blueprint
    audit,
    collections,
    curations,
    duplicates,
    encoders,
    overview,
    runs,
    tokens,
    users,
    withdrawals,
)
from web.admin.blueprint import admin

__all__ = ["admin"]
