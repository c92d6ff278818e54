"""Picture files that are searched with, described."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stylesearch.encoders.decoding import decode_for
from stylesearch.encoders.protocol import Encoder, EncoderSpec
from stylesearch.encoders.registry import encode_checked
from stylesearch.images.decode import ImageInfo, Picture
from stylesearch.images.hashes import perceptual_hash, sha256
from stylesearch.search.examples import FileExample
from stylesearch.settings import Settings


@dataclass(frozen=True, slots=True)
class Described:
    """A picture file, described.

    Attributes
    ----------
    vector:
        ``[dim]`` float32.
    sha256:
        Of the file; 32 bytes.
    encoder:
        Who described it: its gallery is the one to search.
    """

    sha256: bytes
    perceptual_hash: int
    info: ImageInfo
    vector: NDArray[np.float32]
    encoder: EncoderSpec

    @property
    def example(self) -> FileExample:
        """The file as an example of a query."""
        return FileExample(self.sha256.hex())


def describe_file(encoder: Encoder, data: bytes, settings: Settings) -> tuple[Described, Picture]:
    """Describe an image file, and return its pixels too.

    Raises
    ------
    ImageError
        If it cannot be taken.
    """
    picture = decode_for(encoder, data, max_bytes=settings.max_file_bytes, max_pixels=settings.max_pixels)
    vector = encode_checked(encoder, [picture.pixels])[0]
    described = Described(sha256(data), perceptual_hash(picture.pixels), picture.info, vector, encoder.spec)
    return described, picture
