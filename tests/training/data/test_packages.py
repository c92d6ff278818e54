from stylesearch.training.data import packages
from stylesearch.training.data.packages import TEST_PACKAGES
from stylesearch.training.data.sources import BASES, SOURCES


def test_nothing_that_is_measured_on_is_listed():
    assert not packages.EXCLUDED_PACKAGES.intersection(packages.TRAINING_PACKAGES)
    assert TEST_PACKAGES <= packages.EXCLUDED_PACKAGES
    assert "lxde-icon-theme" in packages.EXCLUDED_PACKAGES


def test_each_package_is_listed_once_and_each_source_is_of_a_listed_one():
    assert len(set(packages.TRAINING_PACKAGES)) == len(packages.TRAINING_PACKAGES)
    assert {source.package for source in (*SOURCES, *BASES)} == set(packages.ART)
