"""The Celery application: ``celery -A workers.app worker``, or ``stylesearch workers start``."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import setup_logging

from stylesearch.ingest.doorbell import celery_settings
from stylesearch.logs import set_up_logging
from stylesearch.settings import get_settings


def _set_up_logging(**_: Any) -> None:
    set_up_logging(get_settings())


setup_logging.connect(_set_up_logging)
app = Celery("stylesearch", include=["workers.tasks"])
app.conf.update(celery_settings(get_settings()))
