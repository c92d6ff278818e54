"""A report that is calibrated, signed, and checked again."""

import io
import json
import os
import shutil
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from signed_images import Signer, picture, tampered
from sqlalchemy import text

from stylesearch.attribution.calibrating import calibrate_gallery, latest, load
from stylesearch.attribution.calibration import judge
from stylesearch.attribution.keys import KeyRing, Signature, is_signed, public_keys, read_public_key
from stylesearch.attribution.pdf import render_pdf
from stylesearch.attribution.render import render_html
from stylesearch.attribution.report import ReportMaker, find_report
from stylesearch.attribution.schema import report_schema
from stylesearch.attribution.sealed import canonical, digest_of, settled
from stylesearch.attribution.verifying import check_file, check_gallery, read_report_file, recompute
from stylesearch.catalog import encoders
from stylesearch.catalog.backup import backup, restore
from stylesearch.catalog.database import Database, sqlalchemy_url
from stylesearch.errors import InputError, ServiceError
from stylesearch.evaluation.ranking import unit
from stylesearch.images.store import open_store
from stylesearch.search.service import StyleSearch

# A row that is written anew moves to another place in its table.
MOVING = {
    "descriptor": "vector = vector",
    "work_artist": "role = role",
    "work": "title = title",
    "image": "width = width",
}


@pytest.fixture
def maker(archive, tmp_path):
    settings = archive.settings.model_copy(
        update={"home": tmp_path / "home", "store_url": str(archive.settings.home / "store")}
    )
    return ReportMaker(StyleSearch(archive.database, settings), open_store(settings))


@pytest.fixture
def calibrated(archive):
    return calibrate_gallery(archive.database, lambda session: encoders.active(session, "lite"), check=False)


@pytest.fixture
def saved(maker, drawing, calibrated):
    return maker.make(drawing.read_bytes(), name=drawing.name)


def states(checks):
    return {check.name: check.state for check in checks}


def checked(archive, saved, data=None, *, signature=None, maker=None, image=None):
    with archive.database.session(snapshot=True) as session:
        told = read_report_file(saved.file() if data is None else data)
        checks = check_file(told, signature or saved.signature, public_keys(session))
        checks.append(check_gallery(session, told))
        if image is not None:
            checks += recompute(session, maker, told, image)
    return checks


def test_a_calibrated_report_keeps_to_the_published_schema(saved, calibrated):
    validator = jsonschema.Draft202012Validator(json.loads(report_schema()))
    validator.check_schema(validator.schema)
    validator.validate(json.loads(saved.file()))
    record = saved.document["record"]["calibration"]
    assert (record["status"], record["id"]) == ("current", calibrated.digest)
    assert saved.document["conclusion"]["reason"] == "null_too_small", "four artists are too few to name one"
    assert saved.document["answer"].endswith(saved.document["conclusion"]["sentence"])
    assert len(saved.document["candidates"]) == 4
    assert saved.document["null"]["artist"] == saved.document["candidates"][0]["name"]


def test_what_was_held_out_is_in_the_page_and_in_the_pdf(saved, maker):
    report = saved.view
    held_out = dict.fromkeys(("wrong_below_5", "recall", "named"), 0.1) | {"answer_right": None, "cllr": 0.5}
    report["record"]["calibration"]["held_out"] = held_out
    assert "How far this may be believed" in render_html(report, maker.store)
    assert "<polyline" not in render_html(report, maker.store), "as calibrated before there was such a plot"
    held_out["reliability"] = [
        {"said": 0.2, "seen": 0.1, "share": 0.5},
        {"said": 0.8, "seen": 0.9, "share": 0.5},
    ]
    page = render_html(report, maker.store)
    assert page.count("<polyline") == 1
    assert "found 10.0 % of the makers" in page
    assert render_pdf(report, maker.store).startswith(b"%PDF-")


def test_an_uncalibrated_report_says_so_and_keeps_to_it_too(maker, drawing):
    saved = maker.make(drawing.read_bytes(), name="x")
    jsonschema.validate(json.loads(saved.file()), json.loads(report_schema()))
    assert saved.document["record"]["calibration"] == {"status": "none"}
    assert saved.document["conclusion"] is None
    assert saved.document["candidates"] == []


def test_a_stale_calibration_says_nothing(archive, maker, drawing, calibrated, execute):
    execute("UPDATE work SET withdrawn_at = now() WHERE id = (SELECT max(id) FROM work)")
    saved = maker.make(drawing.read_bytes(), name="x")
    jsonschema.validate(json.loads(saved.file()), json.loads(report_schema()))
    record = saved.document["record"]["calibration"]
    assert (record["status"], record["id"]) == ("stale", calibrated.digest)
    assert saved.document["candidates"] == []
    assert "stale" in render_html(saved.view, maker.store)


def test_another_encoder_that_is_being_built_changes_nothing(archive, maker, drawing, calibrated, saved):
    identity = encoders.EncoderIdentity("lite2", "f" * 64, 8, "0" * 64, "none", "CC0-1.0")
    with archive.database.session() as session:
        encoders.register(session, identity, beside=True)
    again = maker.make(drawing.read_bytes(), name=drawing.name)
    assert again.document["record"] == saved.document["record"]


def test_the_examined_works_own_copies_are_no_evidence(saved, archive, maker, drawing):
    """The drawing is in the archive: its artist is judged by the other works alone."""
    copies = [one["image_id"] for kind in ("exact", "near") for one in saved.view["copies"][kind]]
    with archive.database.session() as session:
        row = encoders.active(session, "lite")
        calibration, frozen = load(session, row, latest(session, row))
    half = maker.style_search.describe(drawing.read_bytes()).vector.astype(np.float16).astype(np.float32)
    apart = judge(calibration, frozen.works, unit(half[None]), leave_out=frozen.copies(np.array(copies)))
    together = judge(calibration, frozen.works, unit(half[None]))
    expected = dict(zip(calibration.prototypes.artists, apart.scores[0], strict=True))
    for one in saved.document["candidates"]:
        assert one["score"] == pytest.approx(expected[one["name"]])
    assert np.abs(apart.scores - together.scores).max() > 0.01


def test_everything_holds_right_after(archive, saved, maker, drawing):
    checks = checked(archive, saved, maker=maker, image=drawing.read_bytes())
    assert states(checks) == dict.fromkeys(
        ("form", "signature", "works", "gallery", "image", "numbers"), "holds"
    )


def test_numbers_are_the_same_on_another_machine_state(archive, saved, drawing, tmp_path, one_thread):
    """Another process's maker, on one thread, with other reports made and other things looked up meanwhile."""
    settings = archive.settings.model_copy(
        update={"home": tmp_path / "elsewhere", "store_url": str(archive.settings.home / "store")}
    )
    other = ReportMaker(StyleSearch(archive.database, settings), open_store(settings))
    other.make(picture(), name="another")
    assert states(checked(archive, saved, maker=other, image=drawing.read_bytes()))["numbers"] == "holds"


def test_numbers_are_the_same_in_another_process_on_a_catalogue_restored_elsewhere(
    archive, saved, drawing, tmp_path, servers, databases_of_test, empty_template
):
    """Another database with its rows in another order, another process, another number of threads."""
    backup(archive.database, tmp_path / "catalogue.backup")
    url = servers.url_of(databases_of_test(empty_template))
    elsewhere = Database(sqlalchemy_url(url))
    restore(elsewhere, tmp_path / "catalogue.backup", replace=False)
    with elsewhere.session() as session:
        for table, same in MOVING.items():
            session.execute(
                text(f"UPDATE {table} SET {same} WHERE ctid IN (SELECT ctid FROM {table} LIMIT 9)")
            )
    elsewhere.close()
    file = tmp_path / "x.report.json"
    file.write_bytes(saved.file())
    file.with_suffix(".sig").write_bytes(saved.signature.to_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "stylesearch", "report", "verify", file, "--image", drawing],
        env={
            **os.environ,
            "STYLESEARCH_HOME": str(tmp_path / "home"),
            "STYLESEARCH_DATABASE_URL": url,
            "STYLESEARCH_REDIS_URL": servers.redis_url,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds") == 6


def test_a_later_calibration_of_the_same_gallery_changes_no_report(archive, saved, maker, drawing):
    calibrate_gallery(archive.database, lambda session: encoders.active(session, "lite"), check=False, seed=5)
    assert states(checked(archive, saved, maker=maker, image=drawing.read_bytes()))["numbers"] == "holds"
    later = maker.make(drawing.read_bytes(), name=drawing.name)
    assert later.document["record"]["calibration"]["id"] != saved.document["record"]["calibration"]["id"]


def test_any_byte_that_is_flipped_is_noticed(archive, saved):
    data = saved.file()
    dice = np.random.default_rng(0)
    for place in sorted(dice.choice(len(data) - 1, size=120, replace=False).tolist()):
        changed = data[:place] + bytes([data[place] ^ (1 << int(dice.integers(8)))]) + data[place + 1 :]
        try:
            told = read_report_file(changed)
        except InputError as error:
            told = error.code
        if isinstance(told, str):
            assert told in ("not_a_report", "report_version")
            continue
        with archive.database.session() as session:
            found = states(check_file(told, saved.signature, public_keys(session)))
        assert "fails" in found.values(), f"byte {place}"


def test_what_changed_in_the_document_is_the_signatures_to_tell(archive, saved):
    told = json.loads(saved.file())
    told["document"]["answer"] = "It is by Ann."
    found = states(checked(archive, saved, canonical(told)))
    assert found == {"form": "holds", "signature": "fails", "works": "holds", "gallery": "holds"}


def test_what_changed_in_a_work_is_the_works_to_tell(archive, saved):
    told = json.loads(saved.file())
    next(iter(told["works"].values()))["credit_line"] = "Nobody"
    found = states(checked(archive, saved, canonical(told)))
    assert found == {"form": "holds", "signature": "holds", "works": "fails", "gallery": "holds"}
    told["works"].pop(next(iter(told["works"])))
    assert states(checked(archive, saved, canonical(told)))["works"] == "fails"


def test_one_work_that_changes_in_the_gallery_is_named(archive, saved, execute):
    nearest = saved.view["nearest"][0]
    execute("UPDATE work SET medium = 'silverpoint' WHERE id = :id", id=nearest["work_id"])
    (check,) = [one for one in checked(archive, saved) if one.name == "gallery"]
    assert check.state == "fails"
    assert "0 images were added, 0 removed, 1 changed" in check.text
    assert f"“{nearest['title']}” (work {nearest['work_id']})" in check.text


def test_numbers_that_come_out_otherwise_are_told(archive, saved, maker, drawing, execute):
    nearest = saved.view["nearest"][0]
    execute(
        "UPDATE descriptor SET vector = (SELECT vector FROM descriptor WHERE image_id <> :id LIMIT 1) WHERE image_id = :id",
        id=nearest["image_id"],
    )
    (check,) = [
        one
        for one in checked(archive, saved, maker=maker, image=drawing.read_bytes())
        if one.name == "numbers"
    ]
    assert check.state == "fails"
    assert "best_score" in check.text


def test_another_image_is_told(archive, saved, maker):
    found = states(checked(archive, saved, maker=maker, image=picture()))
    assert found["image"] == "fails"
    assert "numbers" not in found


def test_a_wrong_key_is_told(archive, saved):
    told = read_report_file(saved.file())
    (check,) = [one for one in check_file(told, saved.signature, {}) if one.name == "signature"]
    assert check.state == "fails"
    assert "none of the keys" in check.text
    with archive.database.session() as session:
        keys = public_keys(session)
    other = {saved.signature.key_id: bytes(32)}
    assert is_signed(canonical(saved.document), saved.signature, other) in (False, None)
    assert is_signed(canonical(saved.document), saved.signature, keys) is True
    assert states(check_file(told, None, keys))["signature"] == "fails"


def test_an_old_key_is_still_believed_and_a_new_one_signs(archive, saved, maker, drawing):
    with archive.database.session() as session:
        new = KeyRing(maker.style_search.settings.home).rotate(session)
    later = maker.make(drawing.read_bytes(), name="later")
    assert later.signature.key_id == new != saved.signature.key_id
    assert (
        states(checked(archive, later))["signature"]
        == states(checked(archive, saved))["signature"]
        == "holds"
    )


def test_keys_are_nobody_elses_to_read_and_damage_is_told(archive, saved, maker, drawing):
    folder = maker.style_search.settings.home / "keys" / "reports"
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(ServiceError) as caught:
        maker.make(drawing.read_bytes(), name="x")
    assert caught.value.code == "key_damaged"
    shutil.rmtree(folder)
    assert maker.make(drawing.read_bytes(), name="x").signature.key_id != saved.signature.key_id


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE work SET withdrawn_at = now(), title = 'gone' WHERE id = :id",
        "UPDATE collection SET visibility = 'staff' WHERE id = (SELECT collection_id FROM work WHERE id = :id)",
    ],
)
def test_a_withdrawn_work_leaves_no_trace_and_the_signature_holds(archive, saved, maker, execute, statement):
    nearest = saved.view["nearest"][0]
    execute(statement, id=nearest["work_id"])
    with archive.database.session() as session:
        found = find_report(session, saved.public_id)
    assert found.view["nearest"][0] == {
        "rank": 1,
        "score": nearest["score"],
        "same_as": None,
        "withdrawn": True,
    }
    for field in ("source_id", "sha256", "leaf"):
        assert nearest[field].encode() in saved.file()
        assert nearest[field].encode() not in found.file()
    checks = states(checked(archive, found))
    assert (checks["signature"], checks["works"], checks["gallery"]) == ("holds", "holds", "fails")
    page = render_html(found.view, maker.store)
    assert "Withdrawn" in page
    assert saved.view["nearest"][0]["credit_line"] not in page
    jsonschema.validate(json.loads(found.file()), json.loads(report_schema()))


def test_a_report_of_the_first_format_is_still_shown(archive, maker, drawing, execute):
    saved = maker.make(drawing.read_bytes(), name="x")
    old = {k: v for k, v in saved.view.items() if k not in ("file", "conclusion", "candidates", "null")} | {
        "version": 1
    }
    old["record"].pop("calibration")
    execute(
        "UPDATE report SET works = NULL, signature = NULL, key_id = NULL, result = CAST(:old AS jsonb)",
        old=json.dumps(old),
    )
    execute("UPDATE work SET withdrawn_at = now() WHERE id = :id", id=old["nearest"][0]["work_id"])
    with archive.database.session() as session:
        found = find_report(session, saved.public_id)
    assert found.signature is None
    assert found.view["nearest"][0]["withdrawn"] is True
    assert old["answer"] in render_html(found.view, maker.store)


@pytest.mark.parametrize(
    ("make", "state", "says"),
    [
        (lambda signed: signed, "valid", "whole and unchanged"),
        (tampered, "invalid", "do not hold"),
    ],
)
def test_signed_and_tampered_images_are_told_apart_in_the_report(maker, make, state, says):
    data = make(Signer(name="<b>Nasty</b>").sign(picture(), "image/jpeg"))
    saved = maker.make(data, name="signed.jpg")
    assert saved.document["file"]["content_credentials"]["state"] == state
    page = render_html(saved.view, maker.store)
    assert says in page
    assert "&lt;b&gt;Nasty&lt;/b&gt;" in page
    assert "<b>Nasty" not in page
    assert "made by a generative model" in page


def test_trusted_signers_are_those_of_the_settings(archive, tmp_path):
    signer = Signer()
    path = tmp_path / "roots.pem"
    path.write_text(signer.root)
    settings = archive.settings.model_copy(update={"trust_anchors": path})
    maker = ReportMaker(StyleSearch(archive.database, settings), open_store(settings))
    data = signer.sign(picture(), "image/jpeg")
    assert maker.make(data, name="x").document["file"]["content_credentials"]["state"] == "trusted"
    path.write_text("nothing")
    with pytest.raises(InputError) as caught:
        maker.make(data, name="x")
    assert caught.value.code == "trust_anchors"


def test_near_copies_are_shown_laid_over_each_other(archive, maker, drawing):
    from PIL import Image

    from stylesearch.images.decode import decode

    pixels = decode(drawing.read_bytes(), max_bytes=10**8, max_pixels=10**8, shortest_side=600).pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    saved = maker.make(buffer.getvalue(), name="copy.png")
    assert saved.document["copies"]["exact"] == []
    assert [one["same_shape"] for one in saved.document["copies"]["near"]][:1] == [True]
    assert "Both pictures laid over each other" in render_html(saved.view, maker.store)


def test_numbers_survive_any_reader():
    values = {"a": [0.1 + 0.2, -0.0, 1e-7, 3.0, float("nan"), 12345678.123456789], "b": (1, None, True)}
    once = settled(values)
    assert once == {"a": [0.3, 0, 1e-07, 3, None, 12345678.1235], "b": [1, None, True]}
    assert canonical(once) == canonical(json.loads(canonical(once)))
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"document": {}, "works": {}}',
        b"[1]",
        b"\xff",
        b'{"document": {"format": "x"}, "works": {}}',
    ],
)
def test_what_is_no_report_is_told(data):
    with pytest.raises(InputError) as caught:
        read_report_file(data)
    assert caught.value.code == "not_a_report"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format": "stylesearch-signature", "algorithm": "none", "signature": "AA==", "key_id": "x"}',
    ],
)
def test_what_is_no_signature_is_told(data):
    with pytest.raises(InputError) as caught:
        Signature.from_bytes(data)
    assert caught.value.code == "not_a_signature"


def test_keys_are_read_from_base64():
    with pytest.raises(InputError):
        read_public_key("AAAA")
    with pytest.raises(InputError):
        read_public_key("not base64!")


def test_the_commands(archive_environment, run_command, drawing, tmp_path):
    assert run_command("calibrate", "--no-check").code == 0
    assert run_command("report", drawing, "--out", tmp_path, "--pdf").code == 0
    file = tmp_path / f"{drawing.stem}.report.json"
    assert (tmp_path / f"{drawing.stem}.report.pdf").read_bytes().startswith(b"%PDF-")
    done = run_command("report", "verify", file, "--image", drawing)
    assert done.code == 0, done.out + done.err
    assert done.out.count("holds") == 6
    key = run_command("report", "keys").out.split()[1]
    assert run_command("report", "verify", file, "--offline", "--key", key).code == 0
    assert run_command("report", "verify", file, "--offline").code == 2
    wrong = "A" * 43 + "="
    done = run_command("report", "verify", file, "--offline", "--key", wrong)
    assert done.code == 1
    assert "none of the keys" in done.out
    file.write_bytes(file.read_bytes().replace(b'"rank":1', b'"rank":9', 1))
    done = run_command("report", "verify", file)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert "signature" in done.err
    assert run_command("report", "keys", "--rotate").out.count("\n") == 2
    assert json.loads(run_command("report", "schema").out) == json.loads(report_schema())
