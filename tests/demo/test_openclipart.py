import hashlib
import logging

from stylesearch.demo import openclipart


def test_an_installed_package_is_used(tmp_path):
    assert openclipart.fetch(tmp_path / "cache", installed=tmp_path) == tmp_path
    assert not (tmp_path / "cache").exists()


def test_without_apt_there_is_none_and_the_log_says_why(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert openclipart.fetch(tmp_path / "cache", installed=tmp_path / "nowhere") is None
    assert "apt-get is not on this machine" in caplog.text
    assert not (tmp_path / "cache").exists()


def test_what_was_fetched_before_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawings = tmp_path / "cache/openclipart-svg/usr/share/openclipart/svg"
    drawings.mkdir(parents=True)
    assert openclipart.fetch(tmp_path / "cache", installed=tmp_path / "nowhere") == drawings


def test_a_package_without_the_drawings_is_none_and_the_log_says_so(tmp_path, caplog):
    (tmp_path / "openclipart-svg").mkdir()
    with caplog.at_level(logging.WARNING):
        assert openclipart.fetch(tmp_path, installed=tmp_path / "nowhere") is None
    assert "holds no usr/share/openclipart/svg" in caplog.text


def test_sample_is_the_same_each_time_and_follows_the_digest(tmp_path):
    for name in ("b/two.svg", "a/one.svg", "three.svg", "a/four.svg", "readme.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    names = [path.relative_to(tmp_path).as_posix() for path in openclipart.sample(tmp_path, 10)]
    assert sorted(names) == ["a/four.svg", "a/one.svg", "b/two.svg", "three.svg"]
    assert names == sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert openclipart.sample(tmp_path, 2) == [tmp_path / name for name in names[:2]]
    assert openclipart.sample(tmp_path, 0) == []
