import numpy as np
import pytest
from PIL import ImageFont

from stylesearch.training.data.fonts import (
    TEXTS,
    FontFile,
    Lettering,
    font_files,
    sample_colours,
    sample_lettering,
)


@pytest.fixture
def face(tmp_path):
    """The face that Pillow carries, as a file."""
    path = tmp_path / "fonts-some/usr/share/fonts/some.ttf"
    path.parent.mkdir(parents=True)
    path.write_bytes(ImageFont.load_default(20).path.getvalue())
    return path


def test_a_face_is_found_once_and_what_is_no_font_is_passed_over(face, tmp_path):
    copy = tmp_path / "fonts-other/usr/share/fonts/other.ttf"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(face.read_bytes())
    (tmp_path / "broken.otf").write_bytes(b"OTTO nothing")
    (tmp_path / "empty.ttf").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("no font")
    (found,) = font_files(tmp_path)
    assert found.path in (face, copy)
    assert found.family


def test_a_face_of_signs_is_left_out(face, tmp_path):
    face.rename(face.with_name("some-symbols.ttf"))
    assert font_files(tmp_path) == []


@pytest.mark.parametrize("text", ["Ag", "the lazy dog", TEXTS[-1], "incomprehensibilities"])
def test_a_text_is_written_within_the_picture(face, text):
    hand = Lettering(FontFile(face, "Some"), ink=(0.0, 0.0, 0.0), paper=(1.0, 1.0, 1.0))
    for seed in range(12):
        picture = hand.write(text, np.random.default_rng(seed), side=120)
        assert picture.shape == (120, 120, 3)
        assert picture.dtype == np.uint8
        frame = np.ones((120, 120), bool)
        frame[1:-1, 1:-1] = False
        assert (picture[frame] == 255).all()
        assert 0.002 < (picture < 128).mean() < 0.6


def test_colours_belong_to_the_hand_or_change(face):
    font = FontFile(face, "Some")
    fixed = Lettering(font, *sample_colours(np.random.default_rng(0)))
    papers = {tuple(fixed.write("Ag", np.random.default_rng(seed))[0, 0]) for seed in range(6)}
    assert len(papers) == 1
    free = Lettering(font)
    assert len({tuple(free.write("Ag", np.random.default_rng(seed))[0, 0]) for seed in range(6)}) > 3
    assert free.name == "Some"
    assert fixed.name != free.name


def test_an_ink_can_be_read_on_its_paper():
    for seed in range(200):
        ink, paper = sample_colours(np.random.default_rng(seed))
        assert abs(sum(ink) - sum(paper)) > 0.6


def test_hands_repeat(face):
    font = [FontFile(face, "Some")]
    for seed in range(8):
        one, two = (sample_lettering(np.random.default_rng(seed), font) for _ in range(2))
        assert one == two
        drawn = [hand.write("Echo", np.random.default_rng(seed)) for hand in (one, two)]
        assert np.array_equal(*drawn)
    kinds = [sample_lettering(np.random.default_rng(seed), font).ink is None for seed in range(60)]
    assert 15 < sum(kinds) < 45


def test_the_texts_need_letters_only():
    assert all(part.isalpha() for text in TEXTS for part in text.split(" "))
    assert len(set(TEXTS)) == len(TEXTS)
