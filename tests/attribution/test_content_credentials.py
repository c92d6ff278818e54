import pytest
from signed_images import GENERATED, MANIFEST, Signer, picture, tampered

from stylesearch.attribution.content_credentials import LONGEST, read_content_credentials


@pytest.fixture(scope="module")
def signer():
    return Signer()


@pytest.fixture(scope="module")
def signed(signer):
    return signer.sign(picture(), "image/jpeg", ingredient=picture(seed=5))


def test_a_signed_image_says_who_what_and_from_what(signed):
    found = read_content_credentials(signed, "image/jpeg")
    assert found.state == "valid"
    assert found.problems == ()
    assert (found.signer, found.issuer, found.algorithm) == ("Test Signer", "Test Archive", "Es256")
    assert found.generator.startswith("test painter 2")
    assert found.title == "A teal square"
    assert [(one.action, one.digital_source_type) for one in found.actions] == [("c2pa.created", GENERATED)]
    assert [(one.title, one.relationship) for one in found.ingredients] == [("A sketch", "componentOf")]
    assert found.training_mining == {
        "cawg.ai_generative_training": "notAllowed",
        "cawg.data_mining": "constrained",
    }
    assert found.manifests == 1


def test_a_signer_on_the_list_is_trusted_and_another_is_not(signer, signed):
    assert read_content_credentials(signed, "image/jpeg", anchors=signer.root).state == "trusted"
    assert read_content_credentials(signed, "image/jpeg", anchors=Signer().root).state == "valid"


def test_a_changed_image_is_told_from_a_whole_one(signed):
    found = read_content_credentials(tampered(signed), "image/jpeg")
    assert found.state == "invalid"
    assert "assertion.dataHash.mismatch" in [code for code, _ in found.problems]


def test_a_changed_manifest_is_told(signed):
    forged = signed.replace(b"notAllowed", b"allowed\x00\x00\x00"[:10])
    assert len(forged) == len(signed)
    found = read_content_credentials(forged, "image/jpeg")
    assert found.state in ("invalid", "unreadable")
    assert found.problems


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_read_as_well(signer, kind):
    media_type = f"image/{kind.lower()}"
    signed = signer.sign(picture(kind), media_type)
    assert read_content_credentials(signed, media_type).state == "valid"


def test_an_image_without_a_manifest_has_none():
    assert read_content_credentials(picture(), "image/jpeg").state == "absent"
    assert read_content_credentials(picture("BMP"), "image/bmp").state == "unsupported"


def test_a_manifest_that_is_cut_off_is_unreadable(signed):
    start = signed.find(b"jumb")
    found = read_content_credentials(signed[: start + 300], "image/jpeg")
    assert found.state == "unreadable"
    assert found.problems[0][1]


def test_hostile_text_is_shortened_and_kept_as_text():
    nasty = "<script>alert(1)</script>\x07" + "x" * 5000
    signer = Signer(name='<img src="x">')
    manifest = {**MANIFEST, "title": nasty}
    found = read_content_credentials(signer.sign(picture(), "image/jpeg", manifest), "image/jpeg")
    assert found.signer == '<img src="x">'
    assert found.title.startswith("<script>alert(1)</script> x")
    assert len(found.title) == LONGEST


def test_it_is_json_values(signed):
    import json

    found = read_content_credentials(tampered(signed), "image/jpeg").to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["actions"][0]["action"] == "c2pa.created"
