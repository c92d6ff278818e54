import subprocess
import sys
from pathlib import Path

import pytest

from stylesearch.images.vips import has_loader, libvips, reason


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_importing_the_package_does_not_import_libvips() -> None:
    modules = "decode, formats, hashes, store, svg, thumbnails, vips"
    assert (
        run(f"import sys; from stylesearch.images import {modules}; print('pyvips' in sys.modules)")
        == "False"
    )


def test_processes_forked_after_the_import_decode() -> None:
    script = """
import multiprocessing
from stylesearch.images.decode import decode
drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2"/>'
def side(_):
    return decode(drawing, max_bytes=1000, max_pixels=1000).pixels.shape[1]
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(side, range(4)))
"""
    assert run(script) == "[640, 640, 640, 640]"


def test_threads_that_come_first_together_find_it_set_up() -> None:
    script = """
import threading, time
import pyvips
from stylesearch.images.vips import libvips
set_up = []
def slowly(number):
    time.sleep(0.2)
    set_up.append(number)
pyvips.concurrency_set = slowly
found = []
threads = [threading.Thread(target=lambda: found.append((libvips(), len(set_up)))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(set_up), [done for _, done in found])
"""
    assert run(script) == "1 [1, 1, 1, 1]"


def test_one_thread_and_no_cache() -> None:
    assert libvips().concurrency_get() == 1
    assert libvips().cache_get_max() == 0


def test_other_loaders_are_blocked(tmp_path: Path) -> None:
    vips = libvips()
    table = tmp_path / "table.csv"
    table.write_text("1,2\n3,4\n")
    with pytest.raises(vips.Error):
        vips.Image.csvload(str(table))
    own = tmp_path / "image.v"
    vips.Image.black(4, 4).write_to_file(str(own))
    with pytest.raises(vips.Error):
        vips.Image.new_from_file(str(own))


def test_has_loader() -> None:
    assert has_loader("jpegload")
    assert has_loader("svgload")
    assert not has_loader("nosuchload")


def test_the_reason_is_the_last_telling_line() -> None:
    error = ValueError("unable to call x\n  heif: Invalid input: Bad frame\n  (2.0)\n")
    assert reason(error) == "heif: Invalid input: Bad frame"
    assert reason(ValueError("unable to call x\n")) == "no reason given"
