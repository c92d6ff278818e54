import numpy as np
import pytest

from stylesearch.encoders.checking import checked
from stylesearch.errors import StylesearchError

GOOD = np.eye(3, 4, dtype=np.float32)


def _with(value):
    rows = GOOD.copy()
    rows[1, 2] = value
    return rows


def test_good_descriptors_pass_unchanged():
    assert checked(GOOD, count=3, dim=4) is GOOD


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (_with(np.nan), "not finite for image 1"),
        (_with(np.inf), "not finite for image 1"),
        (_with(0.1), "norm 1.005 for image 1"),
        (GOOD[:, :3] * 0, "norm 0"),
        (GOOD[:2], "not float32"),
        (GOOD.astype(np.float64), "not float32"),
    ],
)
def test_anything_else_is_refused(rows, said):
    with pytest.raises(StylesearchError, match=said) as caught:
        checked(rows, count=3, dim=rows.shape[1])
    assert caught.value.code == "descriptor_invalid"
