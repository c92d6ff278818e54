import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stylesearch.encoders.added import AddedEncoder, add, check_slug, find_added, list_added, remove
from stylesearch.errors import InputError, NotFoundError, ServiceError, StylesearchError

CONTENT = b"weights" * 1000


def made(content: bytes = CONTENT, **values: object) -> AddedEncoder:
    added = AddedEncoder(
        slug="mine",
        family="csd-vit-l-14",
        dim=768,
        policy="crop",
        preprocessing="crop-224-clip-v1",
        weights_sha256=hashlib.sha256(content).hexdigest(),
        license="MIT",
        source="mine.pth",
    )
    return dataclasses.replace(added, **values)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "mine.pth"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "encoders"


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".lock"}


def test_what_was_added_is_found_with_its_weights(folder, source):
    add(folder, made(), source)
    source.unlink()
    found = find_added(folder, "mine")
    assert found == made()
    assert list_added(folder) == [made()]
    weights = found.weights_in(folder)
    assert weights.path.read_bytes() == CONTENT
    weights.verify()
    assert names(folder) == {"mine.json", f"weights/{made().weights_sha256}"}


def test_the_identity_follows_from_the_manifest():
    spec = made().spec
    assert (spec.slug, spec.dim, spec.license) == ("mine", 768, "MIT")
    assert made(policy="tile", preprocessing="tile-224-clip-v1").spec.digest != spec.digest


def test_a_file_that_was_changed_is_refused(folder, source):
    add(folder, made(), source)
    weights = made().weights_in(folder)
    weights.path.write_bytes(b"other" + CONTENT)
    with pytest.raises(StylesearchError, match="not the ones expected") as caught:
        weights.read()
    assert caught.value.code == "weights_mismatch"
    add(folder, made(), source)  # mends it
    weights.verify()


def test_adding_the_same_again_changes_nothing(folder, source):
    add(folder, made(), source)
    before = names(folder)
    add(folder, made(), source)
    assert names(folder) == before


def test_a_slug_of_another_is_not_taken_over(folder, source):
    add(folder, made(), source)
    with pytest.raises(InputError, match="another encoder 'mine'") as caught:
        add(folder, made(license="CC0-1.0"), source)
    assert caught.value.code == "encoder_exists"
    assert list_added(folder) == [made()]


@pytest.mark.parametrize("slug", ["", "A", "a b", "../a", "a/b", "openclip:ViT-B-32", ".a", "a.", "x" * 65])
def test_a_slug_that_is_no_files_name_is_refused(slug, folder, source):
    with pytest.raises(InputError) as caught:
        add(folder, made(slug=slug), source)
    assert caught.value.code == "encoder_slug"
    assert not folder.exists()
    assert find_added(folder, slug) is None


@pytest.mark.parametrize("slug", ["a", "csd-vit-l-14", "my_own.v2", "x" * 64])
def test_slugs_that_are_good(slug):
    assert check_slug(slug) == slug


def test_a_source_that_is_not_what_was_said_is_refused(folder, source):
    with pytest.raises(StylesearchError, match="changed while") as caught:
        add(folder, made(b"something else"), source)
    assert caught.value.code == "weights_mismatch"
    assert names(folder) == set()
    with pytest.raises(StylesearchError, match="cannot be read"):
        add(folder, made(), source.with_name("none"))
    assert names(folder) == set()


def test_removing_keeps_weights_that_another_uses(folder, source):
    add(folder, made(), source)
    add(folder, made(slug="other", policy="tile"), source)
    assert remove(folder, "mine") == made()
    assert names(folder) == {"other.json", f"weights/{made().weights_sha256}"}
    remove(folder, "other")
    assert names(folder) == set()
    assert list_added(folder) == []


def test_removing_what_is_not_there_lists_what_is(folder, source):
    add(folder, made(), source)
    with pytest.raises(NotFoundError, match="Added: mine") as caught:
        remove(folder, "other")
    assert caught.value.code == "unknown_encoder"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"slug": "mine"}', json.dumps({**dataclasses.asdict(made()), "dim": "768"}),
     json.dumps({**dataclasses.asdict(made()), "slug": "other"}),
     json.dumps({**dataclasses.asdict(made()), "weights_sha256": "../../etc/passwd"}),
     json.dumps({**dataclasses.asdict(made()), "more": 1})],
)  # fmt: skip
def test_a_damaged_manifest_is_named(text, folder):
    folder.mkdir(parents=True)
    (folder / "mine.json").write_text(text)
    for look in (lambda: find_added(folder, "mine"), lambda: list_added(folder)):
        with pytest.raises(ServiceError, match=r"mine\.json cannot be used") as caught:
            look()
        assert caught.value.code == "encoder_manifest"


def test_an_absent_folder_is_empty(folder):
    assert list_added(folder) == []
    assert find_added(folder, "mine") is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, source):
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot be written") as caught:
        add(tmp_path / "file" / "encoders", made(), source)
    assert caught.value.code == "encoders_not_writable"


IN_ANOTHER_PROCESS = """
import dataclasses, json, resource, sys
from pathlib import Path
from stylesearch.encoders.added import AddedEncoder, add, remove
from stylesearch.errors import StylesearchError
folder, source, values, limit, times = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
added = AddedEncoder(**json.loads(values))
try:
    for number in range(int(times)):
        if number:
            remove(Path(folder), added.slug)
        add(Path(folder), added, Path(source))
except StylesearchError as error:
    sys.exit(f"{error.code}: {error}")
"""


def start(
    folder: Path, source: Path, added: AddedEncoder, *, limit: int = 0, times: int = 1
) -> subprocess.Popen:
    values = json.dumps(dataclasses.asdict(added))
    arguments = [str(folder), str(source), values, str(limit), str(times)]
    return subprocess.Popen(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, *arguments], stderr=subprocess.PIPE, text=True
    )


def finished(process: subprocess.Popen) -> str:
    _, err = process.communicate(timeout=120)
    return err if process.returncode else ""


def test_processes_may_add_and_remove_side_by_side(folder, source):
    # Two add the same; two add and remove others that share the weights, again and again.
    processes = [start(folder, source, made()), start(folder, source, made())]
    processes += [start(folder, source, made(slug=slug), times=20) for slug in ("b", "c")]
    assert [finished(process) for process in processes] == ["", "", "", ""]
    assert [added.slug for added in list_added(folder)] == ["b", "c", "mine"]
    assert names(folder) == {"b.json", "c.json", "mine.json", f"weights/{made().weights_sha256}"}
    made().weights_in(folder).verify()


def test_a_full_disk_leaves_nothing_behind(folder, source):
    # A limit on the size of files fails as a full disk does.
    assert "encoders_not_writable" in finished(start(folder, source, made(), limit=len(CONTENT) // 2))
    assert names(folder) == set()


def test_what_a_killed_process_left_is_cleared_away(folder, source):
    (folder / "weights").mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (folder / "weights" / f".{'a' * 64}.{gone.pid}.0123abcd").write_text("half")
    (folder / f".mine.json.{gone.pid}.0123abcd").write_text("half")
    alive = f".{'b' * 64}.{os.getpid()}.0123abcd"
    (folder / "weights" / alive).write_text("half")
    add(folder, made(), source)
    assert names(folder) == {"mine.json", f"weights/{made().weights_sha256}", f"weights/{alive}"}
