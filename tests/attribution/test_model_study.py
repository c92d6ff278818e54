"""A model that copies some artists more than others, by recipes that are known."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from planted import gallery_of, planted_descriptors
from scipy.stats import spearmanr

from stylesearch.attribution.generated import read_generated
from stylesearch.attribution.model_study import Generated, study, typical
from stylesearch.demo.drawings import _SUBJECTS, drawing
from stylesearch.demo.styles.style import ALL_STYLES
from stylesearch.errors import InputError
from stylesearch.images.decode import decode

ARTISTS, IMAGES = 12, 20


def rendered(style, subject) -> np.ndarray:
    return decode(
        drawing(style, subject).encode(), max_bytes=10**7, max_pixels=10**7, shortest_side=224
    ).pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Drawings by twelve artists, and what a model makes for their names: its own manner, and theirs so often as planted."""
    folder = tmp_path_factory.mktemp("model")
    strengths = np.random.default_rng(0).permutation(np.linspace(0.0, 1.0, ARTISTS))
    own_manner, artists = ALL_STYLES[-1], ALL_STYLES[:ARTISTS]
    lines = []

    def save(pixels, *parts):
        path = folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    for style in artists:
        for subject in _SUBJECTS[:5]:
            save(rendered(style, subject), "works", style.studio, f"{subject.slug}.png")
    for number, subject in enumerate(_SUBJECTS[5 : 5 + IMAGES]):
        save(rendered(own_manner, subject), "generated", "none", f"{number}.png")
        lines.append([f"generated/none/{number}.png", "", subject.title, number, "simple"])
        for style, strength in zip(artists, strengths, strict=True):
            copies = number < round(strength * IMAGES)
            save(rendered(style if copies else own_manner, subject), "generated", style.slug, f"{number}.png")
            kind = "content" if number % 2 else "simple"
            lines.append(
                [
                    f"generated/{style.slug}/{number}.png",
                    style.studio,
                    f"{subject.title} by {style.studio}",
                    number,
                    kind,
                ]
            )
    with (folder / "generated.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "artist", "prompt", "seed", "kind"], *lines])
    return folder, dict(zip([style.studio for style in artists], strengths.tolist(), strict=True))


def test_a_planted_order_of_copying_is_recovered(made, run_command, environment, figure):
    folder, strengths = made
    out = folder / "study"
    done = run_command("study", folder / "generated.csv", "--works", folder / "works", "--out", out)
    assert done.code == 0, done.err
    told = json.loads((out / "study.json").read_text())
    assert len(told["artists"]) == ARTISTS
    assert {one["images"] for one in told["artists"]} == {IMAGES}
    found = {one["artist"]: one["strength"] for one in told["artists"]}
    order = spearmanr([found[name] for name in strengths], list(strengths.values())).statistic
    raw = {one["artist"]: one["gss"] for one in told["artists"]}
    plain = spearmanr([raw[name] for name in strengths], list(strengths.values())).statistic
    figure(f"model study: Spearman {order:.3f} of strength with what was planted, {plain:.3f} of GSS alone")
    assert order >= 0.9
    assert {one["kind"] for one in told["retrieval"]} == {"simple", "content"}
    with (out / "artists.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["artist"] for row in rows] == [one["artist"] for one in told["artists"]]
    with (out / "heat_map.csv").open() as file:
        assert len(list(csv.reader(file))) == ARTISTS + 1
    with (out / "images.csv").open() as file:
        assert len(list(csv.reader(file))) == 1 + (ARTISTS + 1) * IMAGES
    page = (out / "study.html").read_text()
    assert page.count("data:image/webp") == (8 + 4) * ARTISTS, (
        "eight generated ones and four of the artist's own"
    )
    assert "http" not in page.split("<main>")[0]


@pytest.fixture
def drawn():
    rows, names = planted_descriptors(6, 20)
    return gallery_of(rows, names), rows, names


def test_strength_is_nothing_for_the_baseline_and_one_for_the_works_themselves(drawn):
    works, _rows, _names = drawn
    others, _ = planted_descriptors(6, 60, seed=0)
    own = others.reshape(6, 60, -1)[:, 40:]
    stranger = planted_descriptors(1, 20, seed=7)[0]
    generated = [Generated(str(n), None) for n in range(20)]
    generated += [Generated(str(n), "artist 000") for n in range(20)]
    generated += [Generated(str(n), "artist 001") for n in range(20)]
    found = study(generated, np.concatenate([stranger, stranger, own[1]]), works)
    by_name = {one.artist: one for one in found.artists}
    assert by_name["artist 000"].strength == pytest.approx(0, abs=0.05)
    assert by_name["artist 001"].strength == pytest.approx(1, abs=0.15)
    assert by_name["artist 001"].low <= by_name["artist 001"].gss <= by_name["artist 001"].high
    assert by_name["artist 001"].retrieval.recall_at_k == 1
    assert found.artists[0].artist == "artist 001"
    assert found.nearer == 1, "the stranger's pictures are no nearer than themselves"
    assert found.heat.shape == (2, 2)
    assert np.isnan(found.cosines[:20]).all()


def test_the_most_typical_works_are_nearest_to_the_artists_mean(drawn):
    works, _, _ = drawn
    places = typical(works, "artist 001", 3)
    mine = works.rows[works.by(works.artists.index("artist 001"))]
    scores = works.rows[places] @ mine.mean(axis=0)
    assert len(places) == 3
    assert scores.tolist() == sorted(mine @ mine.mean(axis=0), reverse=True)[:3]
    assert len(typical(works, "artist 001", 99)) == len(mine)


def test_without_a_baseline_strength_is_not_told(drawn):
    works, rows, _names = drawn
    found = study([Generated("x", "artist 000"), Generated("y", "Nobody")], rows[:2], works)
    assert np.isnan(found.artists[0].strength)
    assert found.nearer is None
    assert found.unknown == ("Nobody",)


def test_artists_who_are_not_here_are_told(drawn):
    works, rows, _ = drawn
    with pytest.raises(InputError) as caught:
        study([Generated("x", "Nobody")], rows[:1], works)
    assert caught.value.code == "no_artist_known"


def test_folders_are_read(tmp_path):
    for name in ("Ann/1.png", "Ann/content/2.png", "_baseline/3.jpg", "Bo/notes.txt", "loose.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    root, found = read_generated(tmp_path)
    assert root == tmp_path
    assert [(one.path, one.artist, one.kind, one.seed) for one in found] == [
        ("Ann/1.png", "Ann", "simple", "1"),
        ("Ann/content/2.png", "Ann", "content", "2"),
        ("_baseline/3.jpg", None, "simple", "3"),
    ]


@pytest.mark.parametrize("text", ["", "path\nx.png\n", "path,artist\n", "\xff\xfe"])
def test_what_is_no_table_is_told(tmp_path, text):
    path = tmp_path / "generated.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_generated(path)
    assert caught.value.code == "generated"


def test_markup_and_formulas_do_no_harm(made, tmp_path, run_command, environment):
    nasty = '=HYPERLINK("x")<script>alert(1)</script>'
    for folder in ("works", "generated"):
        for number in range(3):
            path = tmp_path / folder / "a" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 3), dtype=np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "PNG")
            path.write_bytes(buffer.getvalue())
        with (tmp_path / f"{folder}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(
                [["path", "artist"], *([f"{folder}/a/{n}.png", nasty] for n in range(3))]
            )
    out = tmp_path / "out"
    done = run_command("study", tmp_path / "generated.csv", "--works", tmp_path / "works.csv", "--out", out)
    assert done.code == 0, done.err
    assert "<script>alert" not in (out / "study.html").read_text()
    with (out / "artists.csv").open() as file:
        assert list(csv.reader(file))[1][0] == f"'{nasty}"
