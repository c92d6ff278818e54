"""The Celery application: ``celery -A workers.app worker``, or ``stylesearch workers start``."""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init

from stylesearch.ingest.doorbell import celery_settings
from stylesearch.settings import get_settings


def _set_up_logging(**_: Any) -> None:
    level = get_settings().log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s")


def _begin_process(**_: Any) -> None:
    """Have each child use one core: there are as many children as cores, and they must not compete."""
    import torch

    torch.set_num_threads(1)


setup_logging.connect(_set_up_logging)
worker_process_init.connect(_begin_process)
app = Celery("stylesearch", include=["workers.tasks"])
app.conf.update(celery_settings(get_settings()))
