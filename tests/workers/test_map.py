"""The task that draws the style map, and the upkeep that asks for it."""

from stylesearch.catalog import encoders
from stylesearch.ingest.doorbell import MAINTENANCE_QUEUE, Doorbell
from stylesearch.search import stylemap


def test_a_map_that_is_due_is_asked_for_and_drawn_once(archive_environment, broker):
    from workers import tasks

    database, settings = archive_environment.database, archive_environment.settings
    with database.session() as session:
        encoder = encoders.active(session, "lite")
    tasks.upkeep()
    doorbell = Doorbell(settings)
    assert doorbell.waiting(MAINTENANCE_QUEUE) == 1
    tasks.draw_map(encoder.id)
    with database.session() as session:
        made = stylemap.newest(session, encoder)
    assert made.works == 30
    tasks.draw_map(encoder.id)
    tasks.draw_map(999_999)
    with database.session() as session:
        assert stylemap.newest(session, encoder).id == made.id
    tasks.upkeep()
    assert doorbell.waiting(MAINTENANCE_QUEUE) == 1
