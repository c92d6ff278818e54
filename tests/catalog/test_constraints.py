"""The rules that hold in the database itself, whoever writes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from stylesearch.catalog.database import Database
from stylesearch.catalog.records import Credit

DIGEST = "decode(repeat('ab', 32), 'hex')"
COLLECTION = "(SELECT id FROM collection WHERE slug = 'toys')"
WORK = "(SELECT id FROM work WHERE source_id = 'a')"
ENCODER = "(SELECT id FROM encoder)"


def work(values: str) -> str:
    return f"INSERT INTO work (collection_id, source_id, source_digest, title, year_from, year_to) VALUES ({COLLECTION}, {values})"


def image(values: str) -> str:
    return (
        "INSERT INTO image (work_id, collection_id, sha256, perceptual_hash, width, height, media_type, storage_key)"
        f" VALUES ({values}, 'image/png', 'k')"
    )


def run(source: str = "s") -> str:
    return f"INSERT INTO ingest_run (collection_id, encoder_id, source_uri) VALUES ({COLLECTION}, {ENCODER}, '{source}')"


def item(columns: str, values: str) -> str:
    return f"{run()}; INSERT INTO ingest_item (run_id, source_id, locator, {columns}) VALUES ((SELECT max(id) FROM ingest_run), 'x', 'l', {values})"


BATCH = "INSERT INTO report_batch (digest, filters) VALUES ('d', '{}')"


def report_item(columns: str, values: str) -> str:
    return (
        f"{BATCH}; INSERT INTO report_item (batch_id, position, name, query_sha256, {columns})"
        f" VALUES ((SELECT max(id) FROM report_batch), 1, 'n', 'q', {values})"
    )


def of_user(statement: str) -> str:
    return f"INSERT INTO \"user\" (email, name) VALUES ('e', 'n'); {statement} {'' if statement.endswith(',') else 'FROM'} \"user\""


SET = "INSERT INTO curation (slug) VALUES ('s')"


def of_set(table: str, **values: str) -> str:
    """Return what adds a row to a set; a column that is not given gets what breaks no rule."""
    usual = {
        "curation_tag": {"kind": "'artist'", "key": "'k'", "name": "'n'"},
        "curation_image": {"image_id": "(SELECT id FROM image)", "side": "'query'", "by_artist": "'train'", "by_content": "'train'"},
        "curation_pair": {"sha256_a": "'a'", "sha256_b": "'b'", "kind": "'near'"},
    }[table]  # fmt: skip
    given = usual | values
    columns, told = ", ".join(given), ", ".join(given.values())
    return (
        f"{SET}; INSERT INTO {table} (curation_id, {columns}) VALUES ((SELECT max(id) FROM curation), {told})"
    )


def request_for_withdrawal(column: str = "note", value: str = "''") -> str:
    given = {
        "public_id": "'p'",
        "address": "'a'",
        "ground": "'rights'",
        "name": "'n'",
        "email": "'e'",
        "statement": "'s'",
    }
    given[column] = value
    return f"INSERT INTO withdrawal_request ({', '.join(given)}) VALUES ({', '.join(given.values())})"


BROKEN = {
    "uq_work_collection_id_source_id": work("'a', '', 't', NULL, NULL"),
    "ck_work_years": work("'b', '', 't', 1900, 1899"),
    "uq_image_collection_id_sha256": image(f"{WORK}, {COLLECTION}, (SELECT sha256 FROM image), 1, 1, 1"),
    "ck_image_sha256": image(f"{WORK}, {COLLECTION}, '\\xabcd', 1, 1, 1"),
    "ck_image_size": image(f"{WORK}, {COLLECTION}, {DIGEST}, 1, 0, 1"),
    "fk_image_work": image(f"{WORK}, (SELECT id FROM collection WHERE slug = 'other'), {DIGEST}, 1, 1, 1"),
    "ck_license_reuse": "INSERT INTO license (uri, label, reuse) VALUES ('u', 'l', 'free')",
    "uq_license_uri": "INSERT INTO license (uri, label, reuse) SELECT uri, 'l', 'open' FROM license LIMIT 1",
    "ck_collection_slug": "INSERT INTO collection (slug, title) VALUES ('Not A Slug', 't')",
    "ck_collection_visibility": "INSERT INTO collection (slug, title, visibility) VALUES ('x', 't', 'nobody')",
    "uq_collection_slug": "INSERT INTO collection (slug, title) VALUES ('toys', 't')",
    "ck_near_duplicate_order": "INSERT INTO near_duplicate (image_a, image_b, bits) VALUES (2, 1, 0)",
    "ck_near_duplicate_verdict": (
        "INSERT INTO near_duplicate (image_a, image_b, bits, verdict, decided_at) VALUES (1, 2, 0, 'perhaps', now())"
    ),
    "ck_near_duplicate_decided": (
        "INSERT INTO near_duplicate (image_a, image_b, bits, verdict) VALUES (1, 2, 0, 'same')"
    ),
    "uq_artist_name": "INSERT INTO artist (name, sort_name) VALUES ('Ann', 'ann')",
    "ck_artist_name": "INSERT INTO artist (name, sort_name) VALUES ('', '')",
    "ck_artist_years": "INSERT INTO artist (name, sort_name, birth_year, death_year) VALUES ('B', 'b', 1900, 1800)",
    "fk_work_artist_artist_id_artist": "DELETE FROM artist WHERE name = 'Ann'",
    "ck_work_artist_qualifier": "UPDATE work_artist SET qualifier = 'somehow like'",
    "ck_work_artist_role": "UPDATE work_artist SET role = 'owner'",
    "ck_index_check_kind": (
        "INSERT INTO index_check (encoder_id, kind, recall, sample, k, ef, gallery) SELECT id, 'btree', 1, 1, 1, 1, 1 FROM encoder"
    ),
    "ck_index_check_recall": (
        "INSERT INTO index_check (encoder_id, kind, recall, sample, k, ef, gallery) SELECT id, 'hnsw', 2, 1, 1, 1, 1 FROM encoder"
    ),
    "ck_shard_state": "INSERT INTO shard (slug, state) VALUES ('s', 'away')",
    "uq_shard_slug": "INSERT INTO shard (slug) VALUES ('s'), ('s')",
    "ck_encoder_status": "UPDATE encoder SET status = 'broken'",
    "ck_encoder_serving": "UPDATE encoder SET status = 'building', serving = true",
    "ck_encoder_dim": "UPDATE encoder SET dim = 0",
    "uq_encoder_digest": (
        "INSERT INTO encoder (slug, digest, dim, weights_sha256, preprocessing, license) SELECT 'other', digest, 8, 'w', 'p', 'l' FROM encoder"
    ),
    "uq_encoder_active_slug": (
        "INSERT INTO encoder (slug, digest, dim, weights_sha256, preprocessing, license, status)"
        " SELECT slug, 'other', 8, 'w', 'p', 'l', 'active' FROM encoder"
    ),
    "uq_ingest_run_open": f"{run()}; {run()}",
    "ck_ingest_run_state": f"{run()}; UPDATE ingest_run SET state = 'paused'",
    "ck_ingest_item_state": item("state", "'lost'"),
    "ck_ingest_item_error": item("state", "'quarantined'"),
    "ck_ingest_item_lease": item("state", "'fetching'"),
    "ck_ingest_item_spool": item("state", "'prepared'"),
    "ck_ingest_item_task": item("task", "'other'"),
    "ck_withdrawal_names_something": "INSERT INTO withdrawal (reason) VALUES ('asked')",
    "ck_report_query_sha256": (
        "INSERT INTO report (public_id, query_sha256, encoder_id, parameters, gallery_digest, result)"
        f" VALUES ('p', '\\xab', {ENCODER}, '{{}}', 'g', '{{}}')"
    ),
    "ck_calibration_digest": (
        "INSERT INTO calibration (digest, encoder_id, gallery_root, summary, data, leaves)"
        f" VALUES ('d', {ENCODER}, 'g', '{{}}', '', '')"
    ),
    "ck_signing_key_public_key": "INSERT INTO signing_key (key_id, public_key) VALUES ('k', '\\xab')",
    "uq_report_batch_digest": f"{BATCH}; {BATCH}",
    "ck_report_item_state": report_item("state", "'lost'"),
    "ck_report_item_lease": report_item("state", "'held'"),
    "ck_report_item_public_id": report_item("state", "'done'"),
    "ck_user_role": "INSERT INTO \"user\" (email, name, role) VALUES ('e', 'n', 'king')",
    "ck_user_provider": "INSERT INTO \"user\" (email, name, issuer) VALUES ('e', 'n', 'i')",
    "uq_user_issuer_subject": (
        "INSERT INTO \"user\" (email, name, issuer, subject) VALUES ('e', 'n', 'i', 's'), ('f', 'n', 'i', 's')"
    ),
    "ck_api_token_token_sha256": of_user(
        "INSERT INTO api_token (user_id, label, token_sha256) SELECT id, 'l', '\\xab'"
    ),
    "ck_login_session_token_sha256": of_user(
        "INSERT INTO login_session (user_id, token_sha256, expires_at) SELECT id, '\\xab', now()"
    ),
    "ck_invitation_token_sha256": of_user(
        "INSERT INTO invitation (user_id, token_sha256, expires_at) SELECT id, '\\xab', now()"
    ),
    "uq_invitation_user_id": of_user(
        "INSERT INTO invitation (user_id, token_sha256, expires_at)"
        " SELECT id, sha256(word), now() FROM unnest(ARRAY['a', 'b']::bytea[]) word,"
    ),
    "ck_withdrawal_request_state": request_for_withdrawal("state", "'lost'"),
    "ck_withdrawal_request_ground": request_for_withdrawal("ground", "'because'"),
    "ck_withdrawal_request_decided": request_for_withdrawal("state", "'granted'"),
    "uq_withdrawal_request_public_id": f"{request_for_withdrawal()}; {request_for_withdrawal()}",
    "ck_curation_slug": "INSERT INTO curation (slug) VALUES ('Not A Slug')",
    "uq_curation_slug": f"{SET}; {SET}",
    "uq_curation_tag_curation_id_kind_key": f"{of_set('curation_tag')}, ((SELECT max(id) FROM curation), 'artist', 'k', 'n')",
    "ck_curation_tag_kind": of_set("curation_tag", kind="'ghost'"),
    "ck_curation_tag_verdict": of_set("curation_tag", verdict="'burn'", decided_at="now()"),
    "ck_curation_tag_decided": of_set("curation_tag", verdict="'keep'"),
    "ck_curation_tag_join_key": of_set("curation_tag", verdict="'join'", decided_at="now()"),
    "ck_curation_image_side": of_set("curation_image", side="'inside'"),
    "ck_curation_image_by_artist": of_set("curation_image", by_artist="'half'"),
    "ck_curation_image_by_content": of_set("curation_image", by_content="'half'"),
    "ck_curation_pair_order": of_set("curation_pair", sha256_b="'a'"),
    "ck_curation_pair_kind": of_set("curation_pair", kind="'far'"),
    "ck_curation_pair_verdict": of_set("curation_pair", verdict="'perhaps'", decided_at="now()"),
    "ck_curation_pair_decided": of_set("curation_pair", verdict="'same'"),
    "ck_map_point_place": (
        f"INSERT INTO style_map (encoder_id, works, gallery) VALUES ({ENCODER}, 1, 1);"
        f" INSERT INTO map_point (map_id, work_id, x, y) SELECT id, {WORK}, -1, 0 FROM style_map"
    ),
}


def execute(database: Database, statements: str) -> None:
    with database.engine.connect() as connection:
        for statement in statements.split("; "):
            connection.execute(text(statement))


def test_what_breaks_a_rule_is_refused(toy, make_work):
    toy.write(make_work("a", credits=(Credit("Ann"),)))
    toy_encoder = toy.encoder.id
    cases = {
        **BROKEN,
        "ck_descriptor_{}_dim": "UPDATE descriptor SET vector = '[1,2,3]'",
        "descriptor_{}_pkey": "INSERT INTO descriptor SELECT * FROM descriptor",
    }
    with toy.database.session() as session:
        session.execute(text("INSERT INTO collection (slug, title) VALUES ('other', 'o')"))
    for name, statement in cases.items():
        with pytest.raises(IntegrityError) as caught:
            execute(toy.database, statement)
        assert caught.value.orig.diag.constraint_name == name.format(toy_encoder), name


def test_every_check_and_unique_rule_of_ours_is_tried(shared):
    with shared.session() as session:
        rules = set(
            session.scalars(
                text(
                    "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND connamespace = 'public'::regnamespace"
                )
            )
        )
    untried = {
        # The same kind of rule on a column beside one that is tried, or a target of a foreign key.
        "uq_artist_ulan_id",
        "uq_artist_wikidata_id",
        "uq_user_email",
        "uq_api_token_token_sha256",
        "uq_invitation_token_sha256",
        "uq_login_session_token_sha256",
        "uq_login_session_previous_sha256",
        "uq_report_public_id",
        "uq_work_id_collection_id",
        "uq_ingest_item_run_id_source_id",
    }
    assert rules - set(BROKEN) == untried


def test_deleting_a_collection_takes_all_of_it_along(toy, make_work):
    toy.write(make_work("a", credits=(Credit("Ann"),)), make_work("b"))
    with toy.database.session() as session:
        session.execute(text("DELETE FROM collection"))
    for table in ("work", "image", "descriptor", "work_artist"):
        assert toy.value(f"SELECT count(*) FROM {table}") == 0
    assert toy.value("SELECT count(*) FROM artist") == 1
