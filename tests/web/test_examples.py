"""Visitors' images: kept for a while only."""


def test_old_uploads_are_let_go_as_new_ones_come(archive, monkeypatch) -> None:
    import os
    import time

    from stylesearch.images.store import open_store
    from stylesearch.search.service import StyleSearch
    from web.examples import Examples

    store = open_store(archive.settings)
    images = sorted(archive.folder.rglob("*.svg"))
    digest = Examples(StyleSearch(archive.database, archive.settings), store).take(images[0].read_bytes())
    path = archive.settings.home / "store" / store.query_key(digest)
    long_ago = time.time() - 8 * 86_400
    os.utime(path, (long_ago, long_ago))
    Examples(StyleSearch(archive.database, archive.settings), store).take(images[1].read_bytes())
    assert not path.exists()
