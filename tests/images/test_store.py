import errno
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from stylesearch.errors import InputError, NotFoundError, ServiceError
from stylesearch.images.store import ImageStore

DIGEST = hashlib.sha256(b"original").digest()
HEX = DIGEST.hex()


@pytest.fixture(params=["path", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageStore]:
    if request.param == "memory":
        root = f"memory://{uuid.uuid4().hex}/images"
        yield ImageStore(root)
        fsspec.filesystem("memory").store.clear()
    else:
        yield ImageStore(f"file://{tmp_path}/a store" if request.param == "file" else f"{tmp_path}/a store/")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def refused(code: str, store: ImageStore, data: bytes = b"x") -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        store.put_original(data, DIGEST, "image/png")
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


def test_what_is_put_can_be_read(store: ImageStore) -> None:
    original = store.put_original(b"original", DIGEST, "image/png")
    thumbnail = store.put_thumbnail(b"thumbnail", DIGEST)
    query = store.put_query(b"query")
    assert original == store.original_key(DIGEST) == f"originals/{HEX[:2]}/{HEX[2:4]}/{HEX}"
    assert thumbnail == store.thumbnail_key(DIGEST) == f"thumbnails/{HEX[:2]}/{HEX[2:4]}/{HEX}.webp"
    assert query == hashlib.sha256(b"query").hexdigest()
    assert store.query_key(query).startswith("queries/")
    contents = {original: b"original", thumbnail: b"thumbnail", store.query_key(query): b"query"}
    for key, data in contents.items():
        assert store.exists(key)
        assert store.read(key) == data


def test_what_is_not_there(store: ImageStore) -> None:
    key = store.original_key(DIGEST)
    assert not store.exists(key)
    with pytest.raises(NotFoundError) as caught:
        store.read(key)
    assert caught.value.code == "image_missing"
    assert key in caught.value.message


def test_what_is_there_is_not_written_again(store: ImageStore) -> None:
    key = store.put_original(b"original", DIGEST, "image/png")
    assert store.put_original(b"other", DIGEST, "image/png") == key
    assert store.read(key) == b"original"
    assert store.put_query(b"query") == store.put_query(b"query")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../x",
        "/etc/passwd",
        f"originals/../../{HEX}",
        f"originals/{HEX[:2]}/{HEX[2:4]}/{HEX}/../x",
        f"originals/{HEX[:2]}/{HEX[2:4]}/{HEX}\n",
        f"originals/{HEX[:2]}/{HEX[2:4]}/{HEX.upper()}",
        f"thumbnails/{HEX[:2]}/{HEX[2:4]}/{HEX}",
        f"queries/{HEX}",
        f"others/{HEX[:2]}/{HEX[2:4]}/{HEX}",
    ],
)
def test_nothing_but_keys_is_read(store: ImageStore, key: str) -> None:
    for use in (store.read, store.exists):
        with pytest.raises(InputError) as caught:
            use(key)
        assert caught.value.code == "store_key"


@pytest.mark.parametrize("name", ["", "../x", HEX.upper(), HEX[:-1], f"{HEX}0", f"{HEX[:-1]}/"])
def test_a_query_is_named_by_its_digest(store: ImageStore, name: str) -> None:
    with pytest.raises(InputError):
        store.query_key(name)


def test_a_digest_has_32_bytes(store: ImageStore) -> None:
    for digest in (b"", DIGEST[:-1], DIGEST + b"x"):
        with pytest.raises(InputError):
            store.put_original(b"x", digest, "image/png")
        with pytest.raises(InputError):
            store.thumbnail_key(digest)


def test_old_queries_are_pruned(store: ImageStore) -> None:
    kept = store.put_thumbnail(b"thumbnail", DIGEST)
    key = store.query_key(store.put_query(b"query"))
    assert store.prune_queries(3600) == 0
    assert store.exists(key)
    assert store.prune_queries(-1) == 1
    assert not store.exists(key)
    assert store.exists(kept)
    assert store.prune_queries(-1) == 0


def test_a_query_put_again_starts_anew(tmp_path: Path) -> None:
    store = ImageStore(str(tmp_path))
    old, fresh = (tmp_path / store.query_key(store.put_query(data)) for data in (b"old", b"fresh"))
    for path in (old, fresh):
        os.utime(path, (1_000_000, 1_000_000))
    store.put_query(b"fresh")
    assert store.prune_queries(3600) == 1
    assert (old.exists(), fresh.exists()) == (False, True)


def test_pruning_an_empty_store_does_nothing(store: ImageStore) -> None:
    assert store.prune_queries(0) == 0


def test_only_whole_files_are_left(tmp_path: Path) -> None:
    store = ImageStore(str(tmp_path))
    key = store.put_original(b"original", DIGEST, "image/png")
    assert files(tmp_path) == [key]


def test_readers_and_writers_at_once_see_whole_files(tmp_path: Path) -> None:
    store = ImageStore(str(tmp_path))
    contents = {hashlib.sha256(data).digest(): data for data in (bytes([n]) * 200_000 for n in range(20))}
    torn: list[str] = []

    def put() -> None:
        for digest, data in contents.items():
            store.put_original(data, digest, "image/png")

    def look() -> None:
        for digest, data in list(contents.items()) * 20:
            key = store.original_key(digest)
            if store.exists(key) and store.read(key) != data:
                torn.append(key)

    threads = [threading.Thread(target=work) for work in (put, put, put, look, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []
    assert files(tmp_path) == sorted(store.original_key(digest) for digest in contents)


def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = ImageStore("images")
    monkeypatch.chdir("/")
    key = store.put_original(b"original", DIGEST, "image/png")
    assert (tmp_path / "images" / key).read_bytes() == b"original"


@pytest.mark.parametrize("url", ["nosuch://bucket/images", "file+nosuch://x"])
def test_an_unknown_scheme_is_refused(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        ImageStore(url)
    assert caught.value.code == "store_url"


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("not a folder")
    refused("store_not_writable", ImageStore(str(tmp_path / "images")))


# A store is put to in a process of its own, so that the limit or the lost right hits nothing else.
PUT = """
import os, resource, sys
from stylesearch.errors import ServiceError
from stylesearch.images.store import ImageStore
root, size, limit, user = sys.argv[1], *map(int, sys.argv[2:])
store = ImageStore(root)
small = store.put_original(b"small", bytes(32), "image/png")
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
if user:
    os.setuid(user)
try:
    store.put_original(bytes(size), bytes(31) + b"x", "image/png")
except ServiceError as error:
    print(error.code, bool(error.hint), store.read(small) == b"small" if error.code == "disk_full" else "")
"""


def put_elsewhere(
    root: Path, *, size: int, limit: int = 0, user: int = 0, before: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    arguments = [*before, sys.executable, "-c", PUT, str(root), str(size), str(limit), str(user)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


def test_a_file_over_the_quota_leaves_nothing_behind(tmp_path: Path) -> None:
    done = put_elsewhere(tmp_path, size=50_000, limit=10_000)
    assert done.stdout.split() == ["disk_full", "True", "True"], done.stderr
    assert len(files(tmp_path)) == 1


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A real file system of 64 KiB, mounted in a namespace of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine allows no mount namespaces")
    mount = 'mount -t tmpfs -o size=64k tmpfs "$0" && "$@"; find "$0" -type f | wc -l'
    done = put_elsewhere(
        tmp_path, size=1_000_000, before=("unshare", "-rm", "sh", "-c", mount, str(tmp_path))
    )
    assert done.stdout.split() == ["disk_full", "True", "True", "1"], done.stderr


def test_a_store_that_may_not_be_written(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    user = 65534 if os.geteuid() == 0 else 0
    if not user:  # root would be let in all the same, and becomes somebody else
        ImageStore(str(root)).put_original(b"small", bytes(32), "image/png")
        (root / "originals" / "00" / "00").chmod(0o500)
    done = put_elsewhere(root, size=1, user=user)
    assert done.stdout.split() == ["store_not_writable", "True"], done.stderr


class S3Like(MemoryFileSystem):  # type: ignore[misc]
    """Memory under another scheme, noting how it is written to."""

    protocol = ("s3", "s3a")
    written: tuple[tuple[str, dict[str, Any]], ...] = ()
    failure: OSError | None = None

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if self.failure:
            raise self.failure
        type(self).written += ((path, options),)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> type[S3Like]:
    monkeypatch.setitem(_registry, "s3", S3Like)
    monkeypatch.setattr(S3Like, "written", ())
    monkeypatch.setattr(S3Like, "failure", None)
    return S3Like


def test_an_object_store_is_told_the_media_type(s3: type[S3Like]) -> None:
    ImageStore("s3://bucket/images").put_original(b"original", DIGEST, "image/png")
    ((path, options),) = s3.written
    assert path.endswith(HEX)
    assert options == {"ContentType": "image/png"}


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PermissionError("Access Denied"), "store_not_writable"),
        (FileNotFoundError("The specified bucket does not exist"), "store_unreachable"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "store_unreachable"),
    ],
)
def test_an_object_store_that_fails(s3: type[S3Like], failure: OSError, code: str) -> None:
    s3.failure = failure
    assert "s3://bucket/images" in refused(code, ImageStore("s3://bucket/images")).message


def test_what_is_spooled_is_kept_until_it_is_removed(store: ImageStore) -> None:
    keys = [store.put_spooled(b"same") for _ in range(2)]
    assert len(set(keys)) == 2
    assert [store.read(key) for key in keys] == [b"same"] * 2
    assert sorted(store.list_spooled(-1)) == sorted(keys)
    assert store.list_spooled(3600) == []
    store.remove_spooled(keys)
    store.remove_spooled(keys)
    assert store.list_spooled(-1) == []
    with pytest.raises(NotFoundError):
        store.read(keys[0])
    with pytest.raises(InputError):
        store.remove_spooled(["spool/../originals"])
