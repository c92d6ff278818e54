"""What the library says in English only, in the visitor's language: errors by their codes, credits, rights, and checks."""

from __future__ import annotations

from typing import Any

from stylesearch.attribution.verifying import Check
from stylesearch.catalog.cards import Rights, WorkCard
from web.language import language
from web.messages import gettext
from web.messages import lazy_gettext as _
from web.phrases import QUALIFIERS

Words = Any
"""A text that is translated when it is shown."""

_LATER = _("Try again in a minute.")
_UPLOAD = _("Upload another image.")
_OTHERS = _("Ask the people who run this archive.")
_FILTER = _("Mend the filter, or take it out.")

MESSAGES: dict[str, tuple[Words, Words]] = {
    "image_empty": (_("The image file is empty."), _UPLOAD),
    "image_unreadable": (
        _("The file is not an image."),
        _("Give a JPEG, PNG, WebP, GIF, TIFF, AVIF or SVG file."),
    ),
    "image_unsupported": (
        _("Files of this kind are not taken."),
        _("Convert it to JPEG, PNG, WebP, TIFF or AVIF."),
    ),
    "image_truncated": (_("The image is cut off or damaged."), _("Copy it from its source again.")),
    "image_too_many_bytes": (_("The file is too large."), _("Save it smaller.")),
    "image_too_many_pixels": (_("The image has too many pixels."), _("Scale it down.")),
    "image_too_much_memory": (
        _("The image would take too much memory."),
        _("Save it as a plain JPEG or PNG."),
    ),
    "svg_unreadable": (_("The SVG drawing cannot be read."), _("Save it again in a drawing program.")),
    "svg_external": (
        _("The SVG drawing refers to other files, which is not allowed."),
        _("Save it with everything in it."),
    ),
    "svg_entities": (
        _("The SVG drawing defines entities, which is not allowed."),
        _("Save it again in a drawing program."),
    ),
    "no_image": (
        _("No image was chosen."),
        _("Choose a file, drop one, paste one, or give an address."),
    ),
    "upload_too_large": (
        _("The file is larger than what is taken."),
        _("Scale it down and try again: 1,000 pixels on the shorter side are plenty."),
    ),
    "address_invalid": (
        _("This is no address of an image."),
        _("Give one that begins with https:// or http://."),
    ),
    "address_refused": (
        _("The address leads to a place that is not asked from here."),
        _("Give a public address, or upload the image."),
    ),
    "redirect_refused": (
        _("The address leads on to a place that is not asked from here."),
        _("Give a public address, or upload the image."),
    ),
    "fetch_off": (_("Addresses of images are not taken here."), _("Upload the image.")),
    "fetch_status": (_("The other server does not give this image."), _("Check the address.")),
    "fetch_type": (
        _("The address leads to something that is no image."),
        _("Give the address of the image itself."),
    ),
    "fetch_too_large": (_("The image at this address is too large."), _("Give a smaller one.")),
    "fetch_timeout": (_("The other server took too long."), _("Try again later, or upload the image.")),
    "fetch_failed": (_("The other server could not be reached."), _("Try again later, or upload the image.")),
    "fetch_busy": (_("The other server is busy."), _("Try again later, or upload the image.")),
    "query_expired": (
        _("The image of this search is not kept any more."),
        _("Uploaded images are kept for a while only. Upload it again."),
    ),
    "query_too_large": (_("The search has too many examples."), _("Take some out.")),
    "no_example": (
        _("A search starts from something that works should be like."),
        _("Give an image, a work or an artist."),
    ),
    "examples_cancel": (_("The examples cancel each other out."), _("Leave one of them out.")),
    "bad_region": (_("This is no part of the image."), _("Choose another one.")),
    "no_words": (_("Words cannot be searched with here."), _("Give an image or a work.")),
    "no_prototype": (
        _("No work that is outright by this artist has been described."),
        _("Search with one of the works instead."),
    ),
    "not_described": (_("The example has not been described yet."), _("Search with another one.")),
    "work_without_image": (_("There is no image of this work."), _("Search with a work that has one.")),
    "unknown_work": (_("There is no such work here."), _("It may have been withdrawn.")),
    "unknown_image": (_("There is no such image here."), _("Its work may have been withdrawn.")),
    "unknown_artist": (
        _("There is no artist of this name here."),
        _("Names are matched whole, as credited."),
    ),
    "unknown_collection": (_("There is no such collection."), _FILTER),
    "unknown_license": (_("This licence is not known."), _FILTER),
    "unknown_map": (
        _("The style map has been drawn anew since this part of it was chosen."),
        _("Choose a part of the map as it is now."),
    ),
    "unknown_page": (_("There is no such page."), _("Go back to the first page.")),
    "unknown_report": (_("There is no such report."), _("Check its number.")),
    "unsigned_report": (_("This report was not signed."), _("Make it again.")),
    "not_a_report": (
        _("This is no report, or it was cut off or changed so that it cannot be read."),
        _("Give the file NAME.report.json as it was downloaded."),
    ),
    "report_version": (_("The report is of a version that cannot be checked here."), _("Make it again.")),
    "not_a_signature": (_("The file of the signature cannot be read."), _("Give the file NAME.report.sig.")),
    "filter_syntax": (_("The filter cannot be read."), _FILTER),
    "unknown_filter": (_("There is no such filter."), _FILTER),
    "bad_filter": (_("A value in the filter cannot be used."), _FILTER),
    "bad_year": (_("A year in the filter cannot be used."), _("Give a year such as 1890.")),
    "bad_date": (_("A day in the filter cannot be used."), _("Write it like 2024-12-31.")),
    "unknown_reuse": (_("There is no such class of reuse."), _FILTER),
    "unknown_qualifier": (_("There is no such attribution."), _FILTER),
    "unknown_language": (_("Words are not searched for in this language."), _FILTER),
    "filter_too_large": (_("The filter is too large."), _("Ask for less at a time.")),
    "bad_parameter": (
        _("A value in the address cannot be used."),
        _("Mend it in the address, or start a new search."),
    ),
    "unknown_parameter": (
        _("The address has something that a search does not have."),
        _("Mend it in the address, or start a new search."),
    ),
    "bad_cursor": (_("There is no such page of this search."), _("Go back to its first page.")),
    "empty_gallery": (_("Nothing here has been described yet."), _OTHERS),
    "timeout": (_("The search took too long and was stopped."), _("Narrow it with filters.")),
    "shard_down": (_("A part of the archive cannot be reached."), _LATER),
    "database_unreachable": (_("The archive's database cannot be reached at the moment."), _LATER),
    "database_busy": (_("Others are using what was to be changed."), _LATER),
    "database": (_("The archive's database has refused this."), _OTHERS),
    "disk_full": (_("The archive's disk is full."), _OTHERS),
    "broker_unreachable": (_("The archive's queue cannot be reached at the moment."), _LATER),
    "image_missing": (_("The image is missing from the archive's store."), _OTHERS),
    "store_unreachable": (_("The archive's pictures cannot be reached at the moment."), _LATER),
    "csrf": (
        _("This form does not belong to your visit, or your visit has ended meanwhile, so it was not sent."),
        _("Allow cookies for this site, and send the form once more."),
    ),
    "not_found": (_("There is no such page."), _("Check the address, or start from the home page.")),
    "method_not_allowed": (_("This address cannot be used that way."), _("Start from the home page.")),
    "internal": (
        _("An error that nobody foresaw. It is in the log."),
        _("Try again; if it comes back, tell whoever runs this archive."),
    ),
}
"""Of errors that visitors meet: what happened, and what to do."""


def in_their_language(code: str, message: str, hint: str) -> tuple[str, str]:
    """Return a message and a hint as they are in English, which names what it is about, or else those of the code."""
    if language() == "en" or code not in MESSAGES:
        return message, hint
    told, then = MESSAGES[code]
    return str(told), str(then)


CHECKS: dict[tuple[str, str], Words] = {
    ("form", "holds"): _("The file is as it was written."),
    ("form", "fails"): _("The file was written anew or changed."),
    ("signature", "holds"): _("The signature is of this document, by a key of this archive."),
    ("signature", "fails"): _(
        "There is no signature, or it is not of this document, or not by a key of this archive."
    ),
    ("works", "holds"): _("What is told of the works is what was signed."),
    ("works", "fails"): _("What is told of some works is not what was signed."),
    ("gallery", "holds"): _("The gallery is the same as when the report was made."),
    ("gallery", "fails"): _("The gallery has changed since the report was made."),
    ("gallery", "unknown"): _("The encoder that described the gallery is not here any more."),
}
CHECK_NAMES: dict[str, Words] = {
    "form": _("Form"),
    "signature": _("Signature"),
    "works": _("Works"),
    "gallery": _("Gallery"),
}


def check_words(check: Check) -> tuple[str, str]:
    """Return the name of a check, and what came of it."""
    text = check.text if language() == "en" else CHECKS.get((check.name, check.state), check.text)
    return str(CHECK_NAMES.get(check.name, check.name)), str(text)


def credit(card: WorkCard) -> str:
    """Return who is credited with a work, in one line."""
    if not card.artists:
        return str(gettext("Unknown artist"))
    told = []
    for whole, name in zip(card.artists, card.artist_names, strict=True):
        words = QUALIFIERS.get(whole.removesuffix(name).strip())
        told.append(name if words is None else str(words) % {"name": name})
    return ", ".join(told)


def rights_label(rights: Rights) -> str:
    """Return the name of a rights statement."""
    if rights.uri is None and rights.label == "Rights not stated":
        return str(gettext("Rights not stated"))
    return rights.label
