import io

import pytest
from PIL import Image


@pytest.fixture
def picture_file() -> bytes:
    """A PNG file that is in no archive."""
    file = io.BytesIO()
    Image.new("RGB", (90, 60), (20, 90, 200)).save(file, "PNG")
    return file.getvalue()
