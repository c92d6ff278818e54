"""The corpus of bad input: each ends as a named code or in the catalogue, all others go on, nothing is lost or doubled.

What is here is what a stranger's files, tables and servers do to a whole run; a full disk is in
``tests/cli/test_bad_input.py``.
"""

import gzip
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import psutil
import pytest
from PIL import Image
from sqlalchemy import text

from stylesearch.catalog.database import Database
from stylesearch.errors import InputError
from stylesearch.images.vips import has_loader, libvips
from stylesearch.ingest.doorbell import Doorbell
from stylesearch.ingest.sources import iiif

GIB = 1024**3
TAKEN = "ingested"


def photo(width: int = 240, height: int = 160, seed: int = 0) -> Image.Image:
    """Smooth colours with some grain; another one for every seed."""
    rows, columns = np.indices((height, width))
    ramps = np.stack([rows * 200 // height, columns * 200 // width, (rows + columns) % 200], axis=-1)
    grain = np.random.default_rng(seed).integers(0, 50, ramps.shape)
    return Image.fromarray((ramps + grain).astype(np.uint8))


def save(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def svg(body: str, before: str = "", attributes: str = 'width="90" height="60"') -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()


def png(width: int, height: int, depth: int, kind: int, rows: Iterator[bytes]) -> bytes:
    """A PNG as its parts say, whether or not they fit together."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(1)
    packed = b"".join([*map(packer.compress, rows), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def claiming(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size than it has."""
    at = next(jpeg.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in jpeg)
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def claiming_gif(gif: bytes, width: int, height: int) -> bytes:
    """A GIF whose canvas and first frame claim another size than they have."""
    at = gif.index(b"\x2c\0\0\0\0" + gif[6:10]) + 5
    claimed = struct.pack("<HH", width, height)
    return gif[:6] + claimed + gif[10:at] + claimed + gif[at + 4 :]


def vips(image: Image.Image, interpretation: str = "srgb") -> object:
    return libvips().Image.new_from_array(np.asarray(image), interpretation=interpretation)


def formats() -> dict[str, bytes]:
    """A good file of every kind that archives have, each another picture."""
    seeds = iter(range(100))

    def next_photo() -> Image.Image:
        return photo(seed=next(seeds))

    def deep() -> object:
        return (vips(next_photo()).cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")

    def turned() -> Image.Exif:
        tags = Image.Exif()
        tags[0x0112] = 6
        return tags

    glassy = next_photo().convert("RGBA")
    glassy.putalpha(Image.linear_gradient("L").resize(glassy.size))
    wide = vips(next_photo()).icc_transform("p3", input_profile="srgb")
    second = {"save_all": True, "append_images": [Image.new("RGB", (240, 160), "blue")]}
    return {
        "baseline.jpg": save(next_photo(), "JPEG"),
        "progressive.jpg": save(next_photo(), "JPEG", progressive=True),
        "cmyk.jpg": save(next_photo().convert("CMYK"), "JPEG"),
        "grey.jpg": save(next_photo().convert("L"), "JPEG"),
        "turned.jpg": save(next_photo(), "JPEG", exif=turned()),
        "wide profile.jpg": wide.jpegsave_buffer(Q=95, keep="icc"),
        "truecolour.png": save(next_photo(), "PNG"),
        "16 bits.png": deep().pngsave_buffer(),
        "interlaced.png": vips(next_photo()).pngsave_buffer(interlace=True),
        "palette.png": save(next_photo().quantize(32), "PNG"),
        "alpha.png": save(glassy, "PNG"),
        "wide profile.png": wide.rot180().pngsave_buffer(),
        "moving.apng": save(next_photo(), "PNG", **second),
        "pyramid.tif": vips(next_photo()).tiffsave_buffer(tile=True, pyramid=True, tile_width=64, tile_height=64),
        "pages.tif": save(next_photo(), "TIFF", **second),
        "lzw.tif": save(next_photo(), "TIFF", compression="tiff_lzw"),
        "16 bits.tif": deep().tiffsave_buffer(compression="lzw"),
        "cmyk.tif": save(next_photo().convert("CMYK"), "TIFF"),
        "lossy.webp": save(next_photo(), "WEBP"),
        "lossless alpha.webp": save(glassy.rotate(180), "WEBP", lossless=True),
        "moving.webp": save(next_photo(), "WEBP", **second),
        "still.gif": save(next_photo().quantize(64), "GIF"),
        "moving.gif": save(next_photo().quantize(64), "GIF", **second),
        "still.avif": save(next_photo(), "AVIF"),
        "moving.avif": save(next_photo(), "AVIF", **second),
        "drawing.svg": svg('<rect width="50" height="50" fill="teal"/><circle r="20" cx="50" cy="30"/>'),
        "packed.svgz": gzip.compress(svg('<path d="M5 5h60v40z" fill="maroon"/>')),
    }  # fmt: skip


SIZES = {"turned.jpg": (160, 240), "drawing.svg": (90, 60), "packed.svgz": (90, 60)}


def bad_files(elsewhere: str) -> dict[str, tuple[bytes, str]]:
    """Files that are not what they should be, and what becomes of each.

    Parameters
    ----------
    elsewhere:
        An address that drawings would fetch from, if they were let.
    """
    good = {"jpg": save(photo(), "JPEG"), "png": save(photo(), "PNG"), "gif": save(photo().quantize(), "GIF")}
    good |= {"webp": save(photo(), "WEBP"), "tif": save(photo(), "TIFF"), "avif": save(photo(), "AVIF")}
    cut = {f"cut.{ending}": (data[: len(data) // 2], "image_truncated") for ending, data in good.items()}
    black = (b"\0" * (1 + 60_000 // 8) for _ in range(60_000))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    secret = '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    return cut | {
        "empty.jpg": (b"", "image_empty"),
        "words.png": (b"only words", "image_unreadable"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "image_unreadable"),
        "zeros.tif": (bytes(5000), "image_unreadable"),
        "signature.png": (b"\x89PNG\r\n\x1a\n" + b"junk" * 50, "image_truncated"),
        "document.jpg": (b"%PDF-1.7\n" + b"x" * 500, "image_unsupported"),
        "bitmap.png": (save(photo(), "BMP"), "image_unsupported"),
        "a png.jpg": (save(photo(seed=200), "PNG"), TAKEN),
        "a drawing.png": (svg('<rect width="30" height="50" fill="navy"/>'), TAKEN),
        "odd turn.jpg": (save(photo(seed=201), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0c\0\0"), TAKEN),
        "odd profile.png": (save(photo(seed=202), "PNG", icc_profile=b"no profile" * 30), TAKEN),
        "more behind.gif": (save(photo(seed=203).quantize(), "GIF") + b"more" * 99, TAKEN),
        "odd metadata.jpg": (save(photo(seed=204), "JPEG", xmp=f"{secret}<x>&a;</x>".encode()), TAKEN),
        "j2k.jp2": (save(photo(seed=205), "JPEG2000"), TAKEN if has_loader("jp2kload") else "image_unsupported"),
        # Bombs
        "bomb.png": (png(60_000, 60_000, 1, 0, black), "image_too_many_pixels"),
        "bomb.jpg": (claiming(good["jpg"], 60_000, 60_000), "image_too_many_pixels"),
        "bomb.gif": (claiming_gif(good["gif"], 60_000, 60_000), "image_too_many_pixels"),
        "bomb.svgz": (gzip.compress(b"<svg>" + b" " * 300_000_000, 1), "image_too_many_bytes"),
        "bomb in a drawing.svg": (svg(f'<image href="data:image/svg+xml;base64,{b64encode(gzip.compress(b"<svg>" + b" " * 300_000_000, 1)).decode()}"/>'), "image_too_many_bytes"),
        "much memory.jpg": (claiming(save(photo(), "JPEG", progressive=True, subsampling=0), 14_000, 14_000), "image_too_much_memory"),
        "elements.svg": (svg("<g/>" * 900_000), "image_too_much_memory"),
        "long text.svg": (svg(f"<text>{'word ' * 400_000}</text>"), "svg_unreadable"),
        "multiplied.svg": (svg("<defs><rect id='l0' width='1' height='1'/>" + "".join(f"<g id='l{n}'>" + f"<use href='#l{n - 1}'/>" * 30 + "</g>" for n in range(1, 9)) + "</defs><use href='#l8'/>"), "svg_unreadable"),
        # As much as is taken
        "held/progressive.jpg": (claiming(save(photo(seed=206), "JPEG", progressive=True, subsampling=0), 9900, 9900), TAKEN),
        "held/canvas.gif": (claiming_gif(save(photo(seed=207).quantize(), "GIF"), 9900, 9900), TAKEN),
        "held/elements.svg": (svg("<rect width='9' height='9'/>" + "<g/>" * 250_000), TAKEN),
        "held/bytes.png": (b"\x89PNG\r\n\x1a\n" + bytes(200 * 1024**2), "image_truncated"),
        # Drawings that reach out
        "laughs.svg": (svg("<desc>&l8;</desc>", f'<!DOCTYPE svg [<!ENTITY l0 "ha">{laughs}]>'), "svg_entities"),
        "secret.svg": (svg("<text>&a;</text>", secret), "svg_entities"),
        "parameter.svg": (svg("", f'<!DOCTYPE svg [<!ENTITY % p SYSTEM "{elsewhere}/p"> %p;]>'), "svg_entities"),
        "outside.svg": (svg(f'<image href="{elsewhere}/a.png" width="9" height="9"/>'), "svg_external"),
        "stylesheet.svg": (svg(f'<style>@import url("{elsewhere}/a.css")</style>'), "svg_external"),
        "font.svg": (svg(f"<style>@font-face {{ src: url({elsewhere}/a.woff) }}</style>"), "svg_external"),
        "script.svg": (svg(f'<script href="{elsewhere}/a.js"/>'), "svg_external"),
        "dtd.svg": (svg("", f'<!DOCTYPE svg SYSTEM "{elsewhere}/a.dtd">'), "svg_external"),
        "open.svg": (svg("<g>"), "svg_unreadable"),
        "sizeless.svg": (svg("", attributes='width="0" height="0"'), "svg_unreadable"),
    }  # fmt: skip


def odd_names(folder: Path) -> dict[str, str]:
    """Put good pictures under names that are hard to handle; return the source ids that they have."""
    names = {
        b"caf\xe9.png": "caf\\xe9.png",
        b"new\nline.png": "new\nline.png",
        b"-rf.png": "-rf.png",
        b"100%25 #?;'\".png": "100%25 #?;'\".png",
        "\u202egnp.\u00e4\u6587\U0001f5bc.png".encode(): "\u202egnp.\u00e4\u6587\U0001f5bc.png",
        b"n" * 251 + b".png": "n" * 251 + ".png",
        b"folder.png/inside.PNG": "folder.png/inside.PNG",
    }
    found = {}
    for number, (raw, source_id) in enumerate(names.items(), 300):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + raw))
        path.parent.mkdir(exist_ok=True)
        try:
            path.write_bytes(save(photo(60, 40, number), "PNG"))
        except OSError:  # this file system takes only UTF-8
            continue
        found[source_id] = TAKEN
    return found


def odd_kinds(folder: Path) -> dict[str, str]:
    """Put what is no file where images are looked for; return what becomes of each."""
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(folder)  # an address must be short
        server.bind("socket.jpg")
        os.chdir(before)
    links = {
        "outside.jpg": ("/etc/hostname", "outside_source"),
        "broken.jpg": (folder / "gone.jpg", "broken_link"),
        "self.jpg": (folder / "self.jpg", "broken_link"),
        "twice.jpg": (folder / "baseline.jpg", "duplicate"),
    }
    for name, (target, _) in links.items():
        (folder / name).symlink_to(target)
    (folder / "round").symlink_to(folder)  # a folder in itself
    (folder / "up").symlink_to("..")
    with (folder / "large.tif").open("wb") as file:
        file.truncate(300 * 1024**2)  # takes no room on the disk
    (folder / "baseline copy.jpg").write_bytes((folder / "baseline.jpg").read_bytes())
    found = {name: code for name, (_, code) in links.items()}
    found |= {
        "pipe.jpg": "file_unreadable",
        "socket.jpg": "file_unreadable",
        "large.tif": "image_too_many_bytes",
    }
    # Of doubles, the first by its path is taken.
    found |= {"baseline copy.jpg": TAKEN, "baseline.jpg": "duplicate"}
    try:
        os.mknod(folder / "endless.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    except OSError:  # needs root
        return found
    return found | {"endless.jpg": "file_unreadable"}


def odd_metadata(folder: Path) -> dict[str, str]:
    """Put metadata beside pictures that cannot be read, and some that can only just be."""
    beside = {
        "list.json": b"[1, 2]",
        "cut.json": b'{"title": "A',
        "deep.json": b"[" * 100_000,
        "long.json": b'{"title": "' + b"x" * 2 * 1024**2 + b'"}',
        "zeros.json": json.dumps(
            {"title": "a\0b", "keywords": ["\ud800", "x" * 9999], "year": 10**40}
        ).encode(),
        "markup.json": json.dumps(
            {"title": "<script>alert(1)</script>T", "license": {"@id": ["x"]}}
        ).encode(),
    }
    found = {}
    for number, (name, data) in enumerate(beside.items(), 400):
        image = name.replace(".json", " said.png")
        (folder / f"{image}.json").write_bytes(data)
        (folder / image).write_bytes(save(photo(60, 40, number), "PNG"))
        found[image] = TAKEN if name in ("zeros.json", "markup.json") else "sidecar_unreadable"
    (folder / "linked said.png").write_bytes(save(photo(60, 40, 499), "PNG"))
    (folder / "linked said.json").symlink_to("/etc/hostname")
    (folder / "debian").mkdir()
    (folder / "debian" / "copyright").write_bytes(
        b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: * [ ***a\n"
        b"Copyright: \xff\xfe\0 " + b"x" * 50_000 + b"\nLicense: \xe9\0\n"
    )
    return found | {"linked said.png": "sidecar_unreadable"}


def too_deep(folder: Path) -> str:
    """Put a picture so deep that its path is too long; return what the folder that cannot be read is called, at first."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(25):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
        Path("deep.png").write_bytes(save(photo(60, 40, 500), "PNG"))
    finally:
        os.chdir(before)
    return "d" * 200


# Files, through Redis and two workers


def states(database: Database) -> dict[str, str]:
    with database.session() as session:
        rows = session.execute(
            text(
                "SELECT source_id, coalesce(error_code, state) AS state FROM ingest_item"
                " WHERE run_id = (SELECT max(id) FROM ingest_run)"
            )
        )
        return {row.source_id: row.state for row in rows}


@pytest.fixture
def workers(environment, broker: str) -> Iterator[Callable[[], dict[int, int]]]:
    """The two workers of one machine; called, it returns the decoding processes and the most memory each has had."""
    command = [sys.executable, "-m", "stylesearch", "workers", "start", "--concurrency", "1", "--queues"]
    ingest, embed = (
        subprocess.Popen([*command, queues], stdout=subprocess.DEVNULL, start_new_session=True)
        for queues in ("ingest", "embed,maintenance")
    )
    doorbell, deadline = Doorbell(environment), time.monotonic() + 240
    while not (doorbell.answering() and psutil.Process(ingest.pid).children()):
        assert time.monotonic() < deadline, "the workers do not start"
        time.sleep(0.5)

    def most_memory() -> dict[int, int]:
        found = {}
        for process in psutil.Process(ingest.pid).children():
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    found[process.pid] = 1024 * int(line.split()[1])
        return found

    yield most_memory
    for worker in (ingest, embed):
        worker.terminate()
    for worker in (ingest, embed):
        worker.wait(120)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_folder_of_everything(
    pictures: Path, site, environment, database: Database, workers, run_command, figure
) -> None:
    expected = dict.fromkeys(formats(), TAKEN)
    bad = bad_files(site.url)
    for name, data in (formats() | {name: data for name, (data, _) in bad.items()}).items():
        (pictures / name).parent.mkdir(exist_ok=True)
        (pictures / name).write_bytes(data)
    expected |= {name: code for name, (_, code) in bad.items()}
    expected |= odd_names(pictures) | odd_kinds(pictures) | odd_metadata(pictures)
    deep = too_deep(pictures)
    before = workers()

    outcome = run_command("ingest", "folder", pictures, "--collection", "mixed")
    assert outcome.code == 0, outcome.err
    found = states(database)
    (unread,) = (name for name in found if name.startswith(deep))
    assert found == expected | {unread: "subfolder_unreadable"}
    assert site.asked.total() == 0, "something was fetched for a drawing"
    after = workers()
    assert list(after) == list(before), "a decoding process was lost"
    (most,) = after.values()
    figure(f"decode worker, {len(found)} items of bad input: at most {most / GIB:.2f} GiB of memory")
    assert most < GIB

    taken = {name for name, state in found.items() if state == TAKEN}
    with database.session() as session:
        rows = session.execute(
            text("SELECT source_id, width, height FROM work JOIN image ON work_id = work.id")
        ).all()
        assert sorted(row.source_id for row in rows) == sorted(taken)
        sizes = {row.source_id: (row.width, row.height) for row in rows}
        assert {name: sizes[name] for name in formats() if name in sizes} == {
            name: SIZES.get(name, (240, 160)) for name in formats() if name in taken
        }
        counted = session.execute(
            text("SELECT (SELECT count(*) FROM image), (SELECT count(*) FROM descriptor)")
        ).one()
        assert tuple(counted) == (len(taken), len(taken))
        said = session.execute(
            text("SELECT error_code, error_text FROM ingest_item WHERE state = 'quarantined'")
        ).all()
    assert all(row.error_text and "\n" not in row.error_text for row in said)

    outcome = run_command("ingest", "folder", pictures, "--collection", "mixed")
    assert outcome.code == 0, outcome.err
    again = states(database)
    assert again == {name: "unchanged" if state == TAKEN else state for name, state in found.items()}


# Addresses, in a table


def hostile_site(site) -> dict[str, tuple[str, str]]:
    """What servers do to whoever asks them: by name, the address and what becomes of it."""

    def endless(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/png")
        handler.end_headers()
        while not site.stopping.is_set():
            handler.wfile.write(b"\x89PNG\r\n\x1a\n" * 8000)

    def large(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "999999999999")
        handler.end_headers()

    def dripping(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/png")
        handler.end_headers()
        while not site.stopping.wait(0.05):
            handler.wfile.write(b"x")

    def silent(handler) -> None:
        site.stopping.wait(20)

    def hanging_up(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.close_connection = True

    picture = save(photo(60, 40, 600), "PNG")
    serve = {
        "good": ((picture,), {"Content_Type": "image/png"}, TAKEN),
        "bytes": ((save(photo(60, 40, 601), "PNG"),), {"Content_Type": "application/octet-stream"}, TAKEN),
        "the same": ((picture,), {"Content_Type": "image/png"}, "duplicate"),
        "page": ((b"<html>",), {"Content_Type": "text/html"}, "fetch_type"),
        "page, said to be a picture": ((b"<html>",), {"Content_Type": "image/png"}, "image_unreadable"),
        "film": ((b"\0\0\0 ftypmp42",), {"Content_Type": "video/mp4"}, "fetch_type"),
        "cut": ((picture[:400],), {"Content_Type": "image/png"}, "image_truncated"),
        "nothing": ((b"",), {"Content_Type": "image/png"}, "image_empty"),
        "packed bomb": ((gzip.compress(bytes(30_000_000)),), {"Content_Type": "image/png", "Content_Encoding": "gzip"}, "fetch_too_large"),
        "wrongly packed": ((b"x" * 99,), {"Content_Type": "image/png", "Content_Encoding": "gzip"}, "fetch_type"),
        "gone": ((b"",), {"status": 410}, "fetch_status"),
        "forbidden": ((b"",), {"status": 403}, "fetch_status"),
        "broken": ((b"oops",), {"status": 500}, "fetch_busy"),
        "too many": ((b"",), {"status": 429, "Retry_After": "1"}, "fetch_busy"),
        "to itself": ((b"",), {"status": 302, "Location": "/to%20itself"}, "redirect_refused"),
        "to a private address": ((b"",), {"status": 302, "Location": "http://10.0.0.1/"}, "redirect_refused"),
        "to the cloud's secrets": ((b"",), {"status": 307, "Location": "http://169.254.169.254/latest/"}, "redirect_refused"),
        "to a file": ((b"",), {"status": 301, "Location": "file:///etc/passwd"}, "redirect_refused"),
        "opted out": ((picture + b"x",), {"Content_Type": "image/png", "X_Robots_Tag": "noai"}, "opted_out"),
    }  # fmt: skip
    does = {"endless": (endless, "fetch_too_large"), "large": (large, "fetch_too_large")}
    does |= {"dripping": (dripping, "fetch_timeout")}
    does |= {"silent": (silent, "fetch_timeout"), "hanging up": (hanging_up, "fetch_failed")}
    told = {}
    for name, (arguments, more, code) in serve.items():
        told[name] = (site.serve(f"/{name.replace(' ', '%20')}", *arguments, **more), code)
    for name, (page, code) in does.items():
        path = f"/{name.replace(' ', '%20')}"
        site.pages[path] = page
        told[name] = (site.url + path, code)
    port = urlsplit(site.url).port
    refused = (
        "10.0.0.1",
        "127.0.0.2",
        f"[::1]:{port}",
        "[::ffff:192.168.0.1]",
        "169.254.169.254",
        "0.0.0.0",
        "2852039166",
    )
    told |= {host: (f"http://{host}/a.png", "address_refused") for host in refused}
    told["with a password"] = (f"http://me:secret@127.0.0.1:{port}/good", "address_invalid")
    told["another scheme"] = ("gopher://127.0.0.1/good", "row_image_invalid")
    told["a file"] = ("file:///etc/passwd", "row_image_invalid")
    told["a path outside"] = ("../" * 30 + "etc/passwd", "outside_source")
    return told


def test_a_table_of_addresses_of_all_kinds(catalogue, site, pictures: Path) -> None:
    told = hostile_site(site)
    rows = [{"id": name, "image": address} for name, (address, _) in told.items()]
    # The first of two doubles is whichever is fetched first; with one thread, the order of the table decides.
    rows += [
        {"id": "good", "image": told["bytes"][0]},
        {"image": told["bytes"][0]},
        {"id": "no image"},
        "no object",
    ]
    (pictures / "table.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    number = len(told)
    expected = {name: code for name, (_, code) in told.items()} | {
        f"good (row {number + 1})": "row_id_twice",
        f"row {number + 2}": "row_id_missing",
        "no image": "row_image_missing",
        f"row {number + 4}": "row_unreadable",
    }
    quick = {
        "max_file_bytes": 20_000_000,
        "fetch_deadline_seconds": 1.5,
        "ingest_max_attempts": 1,
        "ingest_threads": 1,
    }
    catalogue.settings = catalogue.settings.model_copy(update=quick | {"ingest_batch_size": 64})
    counts = catalogue.take("table", path=str(pictures / "table.jsonl"))
    assert catalogue.states() == expected
    assert counts.discovered == counts.done == len(expected)
    assert catalogue.rows("SELECT source_id FROM work ORDER BY 1") == [("bytes",), ("good",)]
    assert catalogue.rows("SELECT count(*) FROM image JOIN descriptor ON image_id = id") == [(2,)]


def test_loopback_is_not_asked_unless_it_is_allowed(catalogue, site, pictures: Path) -> None:
    address = site.serve("/a.png", save(photo(60, 40, 600), "PNG"), Content_Type="image/png")
    rows = [{"id": host, "image": address.replace("127.0.0.1", host)} for host in ("127.0.0.1", "localhost")]
    (pictures / "table.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    catalogue.settings = catalogue.settings.model_copy(update={"fetch_private": ""})
    catalogue.take("table", path=str(pictures / "table.jsonl"))
    assert catalogue.states() == dict.fromkeys(("127.0.0.1", "localhost"), "address_refused")
    assert site.asked.total() == 0


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("image,title\n", "table_empty"),
        ("title,artist\nA,B\n", "table_columns"),
        ("image,title,title\na.png,A,B\n", "table_columns"),
        ("image\ncaf\xe9.png\n", "table_encoding"),
    ],
)
def test_a_table_that_cannot_be_taken_at_all_makes_no_run(
    catalogue, pictures: Path, table: str, code: str
) -> None:
    (pictures / "table.csv").write_bytes(table.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        catalogue.take("table", path=str(pictures / "table.csv"))
    assert caught.value.code == code
    assert catalogue.rows("SELECT count(*) FROM ingest_run") == [(0,)]


# Servers of collections


def test_a_iiif_server_of_all_kinds(catalogue, library, send_body, monkeypatch) -> None:
    site = library.site
    monkeypatch.setattr(iiif, "MOST_FAILURES", 2)
    good = {
        name: library.work(name, colour) for name, colour in {"a": "red", "b": "blue", "c": "lime"}.items()
    }
    page = site.pages["/b/manifest"]

    def slow(handler) -> None:
        site.stopping.wait(0.3)
        page(handler)

    site.pages["/b/manifest"] = slow
    lost = library.image("lost")
    for path in [path for path in site.pages if path.startswith("/iiif/lost/full")]:
        site.serve(path, b"oops", status=500)
    expected = dict.fromkeys(good.values(), TAKEN)
    expected |= {
        site.serve(f"/broken{number}/manifest", b"oops", status=500): "fetch_busy" for number in range(3)
    }
    expected |= {
        site.url + "/missing": "fetch_status",
        site.serve("/page", b"<html>"): "iiif_unreadable",
        site.serve("/deep", b"[" * 100_000): "iiif_unreadable",
        library.serve("/nothing", {"type": "Manifest", "@type": "sc:Manifest", "items": []}): "iiif_no_image",
        library.manifest("lost", lost): "fetch_busy",
    }
    round_, all_ = library.url("/round"), library.url("/all")
    library.collection("round", good["c"], collections=(all_, round_))
    url = library.collection(
        "all", *[one for one in expected if one != good["c"]], collections=(round_, all_)
    )
    catalogue.settings = catalogue.settings.model_copy(update={"ingest_max_attempts": 1})
    counts = catalogue.take("iiif", url=url, side=100)
    assert catalogue.states() == expected
    assert counts.done == counts.discovered == len(expected)
    assert catalogue.rows("SELECT source_id FROM work ORDER BY 1") == [
        (one,) for one in sorted(good.values())
    ]


def test_a_iiif_server_whose_images_change_their_size(catalogue, library) -> None:
    url = library.collection("all", library.work("a", "red"), library.work("b", "blue"))
    catalogue.take("iiif", url=url, side=200)
    assert catalogue.rows("SELECT width, height FROM image") == [(200, 150)] * 2
    library.images.size = (300, 400)  # though its manifests say nothing of it
    assert catalogue.take("iiif", url=url, side=200).unchanged == 2
    library.manifest("a", library.image("a", "red", width=300, height=400))
    counts = catalogue.take("iiif", url=url, side=200)
    assert (counts.ingested, counts.unchanged) == (1, 1)
    assert catalogue.rows("SELECT width, height FROM image ORDER BY width") == [(150, 200), (200, 150)]
    assert catalogue.rows("SELECT count(*) FROM work") == [(2,)]


def test_an_oai_server_whose_tokens_expire(catalogue, site) -> None:
    names = [f"record{number}" for number in range(7)]
    for number, name in enumerate(names):
        site.serve(f"/{name}.png", save(photo(60, 40, 700 + number), "PNG"), Content_Type="image/png")
    asked = []

    def answer(handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        asked.append(query)
        if query.get("resumptionToken") == "4" and sum("resumptionToken" in one for one in asked) == 2:
            reply(handler, '<error code="badResumptionToken">expired</error>')
            return
        since = int(query.get("from", "2024-01-01")[-2:]) - 1
        begin = int(query.get("resumptionToken", since))
        records = "".join(record(number) for number in range(begin, min(len(names), begin + 2)))
        token = str(begin + 2) if begin + 2 < len(names) else ""
        reply(handler, f"<ListRecords>{records}<resumptionToken>{token}</resumptionToken></ListRecords>")

    def record(number: int) -> str:
        return (
            f"<record><header><identifier>oai:e:{names[number]}</identifier><datestamp>2024-01-{number + 1:02}</datestamp></header>"
            '<metadata><dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{names[number]}</dc:title><dc:identifier>{site.url}/{names[number]}.png</dc:identifier></dc></metadata></record>"
        )

    def reply(handler, inner: str) -> None:
        body = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inner}</OAI-PMH>'.encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/xml")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.pages["/oai"] = answer
    counts = catalogue.take("oai", url=site.url + "/oai")
    assert any("from" in one for one in asked), "no token has expired"
    assert (counts.ingested, counts.discovered) == (len(names), len(names))
    assert catalogue.rows("SELECT title FROM work ORDER BY title") == [(name,) for name in names]
    assert {site.asked[f"/{name}.png"] for name in names} == {1}
