import json
from pathlib import Path

import pytest

from stylesearch.errors import InputError
from stylesearch.evaluation.datasets import read_crossed, read_domainnet, read_wikiart
from stylesearch.evaluation.listing import read_table


def touch(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_of_styles(tmp_path):
    touch(
        tmp_path,
        "ink/cat.svg",
        "ink/dog.PNG",
        "oil/cat.jpg",
        "oil/notes.txt",
        "loose.png",
        ".git/x/cat.png",
        "a/b/c/d.png",
    )
    found = read_crossed(tmp_path)
    assert found.paths == ("ink/cat.svg", "ink/dog.PNG", "oil/cat.jpg")
    assert found.single_styles == ("ink", "ink", "oil")
    assert found.contents == ("cat", "dog", "cat")
    assert (found.root, found.splits) == (tmp_path, None)


CSV = "\ufeffPath,Style,content,split\na.png,ink; wash,cat,Query\nsub/b.png,oil,dog,database\n"


def test_a_csv_table(tmp_path):
    found = read_table(write(tmp_path / "t.csv", CSV))
    assert found.paths == ("a.png", "sub/b.png")
    assert found.styles == ({"ink", "wash"}, {"oil"})
    assert found.contents == ("cat", "dog")
    assert found.splits == ("query", "database")
    assert found.root == tmp_path
    assert found.take([1]).paths == ("sub/b.png",)
    with pytest.raises(InputError, match=r"a\.png has 2 labels: ink, wash"):
        _ = found.single_styles


def test_a_table_of_json_lines(tmp_path):
    rows = [{"path": "a.png", "artist": ["One", "Two"]}, {"path": "b.png", "artist": "Three"}]
    found = read_table(write(tmp_path / "t.jsonl", "\n\n".join(map(json.dumps, rows))))
    assert found.styles == ({"One", "Two"}, {"Three"})
    assert found.contents is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.csv", "", "no rows"),
        ("t.csv", "path,style\n", "no rows"),
        ("t.csv", "file,style\na.png,ink\n", "needs a column path"),
        ("t.csv", "path,colour\na.png,red\n", "one of style"),
        ("t.csv", "path,style\na.png,\n", "Line 2 of .* has no style"),
        ("t.csv", "path,style\na.png, ; \n", "Line 2 of .* has no style"),
        ("t.csv", "path,style\na.png,ink\na.png,oil\n", r"Line 3 of .* names a\.png a second time"),
        ("t.csv", "path,style,split\na.png,ink,train\n", "Line 2 of .* has the split 'train'"),
        ("t.csv", "path,style,content\na.png,ink\n", "Line 2 of .* has no content"),
        ("t.jsonl", "{", "cannot be read"),
        ("t.jsonl", "[1]", "no objects"),
    ],
)
def test_a_faulty_table_is_refused_with_its_line(tmp_path, name, text, says):
    with pytest.raises(InputError, match=says) as raised:
        read_table(write(tmp_path / name, text))
    assert raised.value.code == "labels_table"


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"path,style\n\xff\xfe,ink\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "t.csv")


def test_crossed_needs_contents(tmp_path):
    with pytest.raises(InputError, match="no column content"):
        read_crossed(write(tmp_path / "t.csv", "path,style\na.png,ink\n"))


@pytest.mark.parametrize("read", [read_crossed, read_wikiart, read_domainnet])
@pytest.mark.parametrize(
    ("paths", "code"),
    [([], "folder_empty"), (["a.txt"], "folder_empty"), (["a.png"], "layout"), (None, "folder_missing")],
)
def test_a_folder_that_is_not_as_expected_is_refused(tmp_path, read, paths, code):
    source = tmp_path / "none such" if paths is None else touch(tmp_path, *paths)
    with pytest.raises(InputError) as raised:
        read(source)
    assert raised.value.code == code
    assert raised.value.hint


def test_wikiart_with_the_paper_s_table(tmp_path):
    touch(tmp_path, "wikiart/Cubism/one_x.jpg", "wikiart/Cubism/two_y.jpg", "wikiart/Rococo/one_z.jpg")
    write(
        tmp_path / "wikiart.csv",
        "name,artist,split\none_x.jpg,One,database\ntwo_y.jpg,Two,query\none_z.jpg,One,query\ngone.jpg,One,query\n",
    )
    found = read_wikiart(tmp_path)
    assert found.paths == ("wikiart/Cubism/one_x.jpg", "wikiart/Cubism/two_y.jpg", "wikiart/Rococo/one_z.jpg")
    assert found.single_styles == ("One", "Two", "One")
    assert found.splits == ("database", "query", "query")
    assert found.notes == ("1 of the table's 4 images are not there and were left out.",)
    assert read_wikiart(tmp_path / "wikiart.csv") == found


def test_wikiart_s_column_path_is_used_where_it_leads_somewhere(tmp_path):
    touch(tmp_path, "here/a.jpg", "wikiart/b.jpg")
    write(
        tmp_path / "wikiart.csv",
        f"path,artist,split\n{tmp_path / 'here/a.jpg'},One,query\n/elsewhere/b.jpg,One,database\n",
    )
    assert read_wikiart(tmp_path).paths == (str(tmp_path / "here/a.jpg"), "wikiart/b.jpg")


def test_wikiart_as_downloaded_is_divided_by_the_seed(tmp_path):
    touch(tmp_path, *(f"wikiart/Genre{k % 3}/artist-{k % 4}_title {k}.jpg" for k in range(20)))
    found = read_wikiart(tmp_path)
    assert set(found.single_styles) == {f"artist-{k}" for k in range(4)}
    assert found.splits is not None
    assert found.splits.count("database") == 16
    assert "not the CSD paper's" in found.notes[0]
    assert read_wikiart(tmp_path) == found
    assert read_wikiart(tmp_path, seed=1).splits != found.splits
    assert read_wikiart(tmp_path / "wikiart").single_styles == found.single_styles


def test_wikiart_from_a_table_elsewhere(tmp_path):
    found = read_wikiart(
        write(tmp_path / "mine.csv", "path,artist,split\na.png,One,query\nb.png,One,database\n")
    )
    assert (found.paths, found.splits) == (("a.png", "b.png"), ("query", "database"))


@pytest.mark.parametrize(
    ("text", "code"),
    [("name,painter\na.jpg,One\n", "labels_table"), ("name,artist\ngone.jpg,One\n", "layout")],
)
def test_a_wikiart_table_that_does_not_fit_is_refused(tmp_path, text, code):
    touch(tmp_path, "wikiart/Cubism/one_x.jpg")
    write(tmp_path / "wikiart.csv", text)
    with pytest.raises(InputError) as raised:
        read_wikiart(tmp_path)
    assert raised.value.code == code


def domainnet(folder: Path) -> Path:
    domains = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")
    return touch(
        folder, *(f"{domain}/class{k}/{domain}_{n}.jpg" for domain in domains for k in range(10) for n in range(2)),
        "elsewhere/class0/x.jpg", "readme/x.png",
    )  # fmt: skip


def test_domainnet_leaves_quickdraw_out_and_shares_no_class(tmp_path):
    found = read_domainnet(domainnet(tmp_path))
    assert found.contents is not None
    assert found.splits is not None
    assert set(found.single_styles) == {"clipart", "infograph", "painting", "real", "sketch"}
    assert len(found) == 100
    asked = {name for name, split in zip(found.contents, found.splits, strict=True) if split == "query"}
    held = {name for name, split in zip(found.contents, found.splits, strict=True) if split == "database"}
    assert (len(asked), len(held)) == (3, 7)
    assert not asked & held
    assert "word2vec" in found.notes[0]


def test_domainnet_with_given_classes_or_a_table(tmp_path):
    found = read_domainnet(domainnet(tmp_path), query_classes=frozenset({"class7"}))
    assert found.splits is not None
    assert found.splits.count("query") == 10
    table = "path,domain,class\na.png,real,cat\nb.png,quickdraw,cat\nc.png,sketch,dog\n"
    found = read_domainnet(write(tmp_path / "t.csv", table))
    assert (found.paths, sorted(found.splits or ())) == (("a.png", "c.png"), ["database", "query"])
    with pytest.raises(InputError, match="neither a column class nor a column split"):
        read_domainnet(write(tmp_path / "u.csv", "path,domain\na.png,real\n"))
