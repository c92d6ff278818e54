import contextlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylesearch.ingest.sources.tar import LARGEST_HEADER, BrokenTarError, members


def tar_of(files: dict[str, bytes], **options: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    """A function that reads a tar: name to data, as far as it goes, and why it went no further."""

    def read(data: bytes, begin: int = 0) -> tuple[dict[str, bytes], str | None]:
        path = tmp_path / "a.tar"
        path.write_bytes(data)
        found: dict[str, bytes] = {}
        with path.open("rb") as file:
            try:
                for member in members(path, file, begin=begin):
                    found[member.name] = member.read(file, at_most=10**6)
            except BrokenTarError as error:
                return found, str(error)
        return found, None

    return read


FILES = {
    "a.jpg": b"a" * 700,
    "folder/b.json": b"{}",
    "x" * 300 + ".txt": b"long name",
    "ü.jpg": b"",
    "c.jpg": b"c" * 512,
}


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_is_read(read, format_):
    files = {name: data for name, data in FILES.items() if format_ != tarfile.USTAR_FORMAT or len(name) < 100}
    assert read(tar_of(files, format=format_)) == (files, None)


def test_it_can_be_begun_at_any_header(tmp_path, read):
    data = tar_of(FILES, format=tarfile.PAX_FORMAT)
    path = tmp_path / "b.tar"
    path.write_bytes(data)
    with path.open("rb") as file:
        headers = [member.header for member in members(path, file)]
    for number, header in enumerate(headers):
        assert list(read(data, header)[0]) == list(FILES)[number:]


def test_what_is_no_file_is_left_out(read):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"{kind!r}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert read(buffer.getvalue()) == ({}, None)


def test_a_cut_end_is_noticed_wherever_it_is(read):
    data = tar_of({"a.jpg": b"a" * 2000, "b.jpg": b"b" * 2000, "c.jpg": b"c" * 100}).rstrip(b"\0")
    whole = len(data) - 100
    for end in range(1, whole, 97):
        found, why = read(data[:end])
        assert why is not None, end
        assert all(data == name[0].encode() * len(data) for name, data in found.items())


def test_damage_in_the_middle_is_noticed(read):
    data = bytearray(tar_of({"a.jpg": b"a" * 512, "b.jpg": b"b" * 512}))
    data[1024 + 10] ^= 0xFF
    found, why = read(bytes(data))
    assert (list(found), why) == (["a.jpg"], "it is damaged or cut off at byte 1,024")


@pytest.mark.parametrize("data", [b"", b"no tar at all", b"x" * 2000, b"\x1f\x8b" + b"\0" * 2000])
def test_what_is_no_tar_is_told(read, data):
    assert read(data)[1] is not None


def test_an_empty_tar_is_empty(read):
    assert read(tar_of({})) == ({}, None)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_to_bring_gigabytes_is_refused(read, kind):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, LARGEST_HEADER + 1
    found, why = read(info.tobuf() + b"\0" * 4096)
    assert (found, "claims" in why) == ({}, True)


def test_headers_before_headers_have_an_end(read):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
    assert read((info.tobuf() + b"y\0".ljust(512, b"\0")) * 5000)[1] is not None


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(0, 255), st.integers(0, 5000), st.integers(0, 255))
def test_damage_of_any_kind_is_an_error_or_none(tmp_path_factory, first, value, second, other):
    data = bytearray(tar_of(FILES))
    data[first % len(data)], data[second % len(data)] = value, other
    path = tmp_path_factory.mktemp("tar") / "a.tar"
    path.write_bytes(data)
    with path.open("rb") as file, contextlib.suppress(BrokenTarError):
        for member in members(path, file):
            assert member.size >= 0
            member.read(file, at_most=100)
