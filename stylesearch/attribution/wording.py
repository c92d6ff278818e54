"""The sentences of a report. They are fixed, so that two reports that say the same say it alike."""

from __future__ import annotations

from collections.abc import Sequence

from stylesearch.attribution.findings import Conclusion

WHAT_IT_IS = (
    "This report describes resemblance of style within this collection. It is not evidence of training use, copying,"
    " authorship or infringement."
)
WHAT_A_SCORE_IS = (
    "A work's score is the cosine of its style descriptor and the image's; an artist's score sets such cosines against how"
    " crowded it is around. Neither is a probability or has a fixed meaning: two artists of one tradition can be nearer to"
    " each other than some works of one artist are."
)
WHO_WAS_COMPARED = (
    "Only works of this archive were compared, as described by the encoder named below. An artist who is not here"
    " cannot be found, and an artist with many works here is found more often."
)
WHAT_P_IS = (
    "A p-value says how seldom works by others score as high against an artist. A likelihood ratio says how much more"
    " often the artist's own works do. Neither is the probability that the artist made the image or that it was made after"
    " the artist's works; both are of this archive's works and of this encoder only."
)
NOT_CALIBRATED = "The scores in this report are not calibrated, so no artist is named for them and nothing says how sure they are."
WHAT_THE_FILE_SAYS = (
    "What the file says of itself was written by whoever made or changed it. Content credentials are checked for changes"
    " and for who signed them, not for truth; other metadata are not checked at all."
)
RIGHTS = "Rights are as recorded in the archive; check them at the source before reuse."

REUSE_LABELS = {
    "open": "Open: may be reused",
    "restricted": "Restricted: some uses are not allowed",
    "permission": "Permission: ask first",
    "unknown": "Unknown: not stated",
}
TERM_LABELS = {
    "commercial": "commercial use",
    "derivatives": "changes",
    "attribution": "credit",
    "ai_training": "training models",
}

USED_FOR = {
    "ai_generative_training": "Training generative models",
    "ai_training": "Training other models",
    "ai_inference": "Input to models",
    "data_mining": "Data mining",
}
USES = {"allowed": "allowed", "notAllowed": "not allowed", "constrained": "allowed within limits"}
"""What content credentials say of training and mining: the ends of their names, and the values."""

FIRST_OF_SEVERAL = "the first of several frames or pages; the others were not looked at"
COPIES = "A copy is the same picture. That is another thing than resemblance of style."
OVERLAY = (
    "Laid over each other: grey where they are alike, cyan where only the one examined is dark, red where only the archive's"
    " is."
)
STRETCHED = "Their proportions differ, so one was stretched."
RELIABILITY = (
    "What the likelihood ratios said of works and artists held out, turned into probabilities at even odds, against how often"
    " it was the same artist. On the dotted line, what was said is what was seen; a larger dot is of more pairs."
)
WITHDRAWN = "This work has been withdrawn from public view since the report was made."

CANDIDATE_COLUMNS = (
    ("Artist", ""),
    ("Works", "here, by which the artist is known; copies and further pictures of one thing count once"),
    (
        "Score",
        "CSLS: twice the mean cosine with the artist's works, less how crowded it is around the image and around them",
    ),
    ("Standard", "that score in spreads above the mean of works by others"),
    ("p", "how seldom works by others score as high"),
    ("q", "the same, allowing for how many artists were looked at (Benjamini and Hochberg)"),
    (
        "Ratio",
        "how many times likelier such a score is for another work of the artist than for a work by others",
    ),
    ("In words", "what such a likelihood ratio is called"),
    ("Gap", "how far the artist's own works score above the nearest rival's: 95 % interval"),
    ("Found", "whether q is 0.1 or less and the gap is above 0"),
)
"""Heads of the table of candidates, and what stands in each column."""

STATES = {
    "absent": "The file carries no content credentials.",
    "unsupported": "Content credentials are not looked for in files of this format.",
    "trusted": "The file carries content credentials that are whole and unchanged, signed by somebody on this archive's list.",
    "valid": "The file carries content credentials that are whole and unchanged, signed by somebody on no list of this archive.",
    "invalid": "The file carries content credentials that do not hold: it or they were changed after signing, or the signature is bad.",
    "unreadable": "The file carries content credentials that cannot be read.",
}
"""What was found of content credentials."""

CALIBRATION_STATES = {
    "current": "Calibrated on this very gallery.",
    "none": "This gallery has not been calibrated; 'stylesearch calibrate' does that.",
    "stale": "The calibration is stale: the gallery has changed since. 'stylesearch calibrate' makes another.",
}

FOUND = {
    "artist": "In style the image resembles the works of {names} more than works by others here do.",
    "group": "In style the image resembles the works of {names}, who cannot be told apart for it.",
    "nobody": "In style the image resembles no artist's works here more than works by others do.",
}
"""What is concluded, by outcome."""

REASONS = {
    "out_of_domain": "the image is unlike all that this archive holds.",
    "null_too_small": "this archive holds too few of them to tell chance from resemblance.",
    "gap_reaches_zero": (
        "the image resembles the works of {names} most, and these cannot be told from works by others here."
    ),
    "too_few_works": "of {names}, who made the nearest work, too few works are here.",
    "not_told_apart": "too many cannot be told apart for this image, {names} among them.",
}
"""Why nothing is concluded."""


def limits(*, calibrated: bool) -> list[str]:
    """Return what a report does not say."""
    return [
        WHAT_IT_IS,
        WHAT_A_SCORE_IS,
        WHO_WAS_COMPARED,
        WHAT_P_IS if calibrated else NOT_CALIBRATED,
        WHAT_THE_FILE_SAYS,
        RIGHTS,
    ]


def conclusion_sentence(said: Conclusion) -> str:
    """Return a conclusion as a sentence."""
    names = _either(said.names)
    if said.outcome in FOUND:
        return FOUND[said.outcome].format(names=names)
    return f"Nothing is said of artists: {REASONS[said.reason or 'not_told_apart'].format(names=names)}"


def nearest_sentence(nearest: int, artists: Sequence[tuple[str, int, int]], *, least: int) -> str:
    """Return what the nearest works are, without a claim.

    Parameters
    ----------
    nearest:
        How many there are.
    artists:
        Name, works among the nearest, works in the gallery, those with the most first.
    least:
        An artist is named from so many of the nearest works on, if nobody else has as many.
    """
    if not nearest:
        return "No other work here could be compared with it."
    makers = len(artists)
    tied = makers > 1 and artists[0][1] == artists[1][1]
    if not artists or artists[0][1] < least or tied:
        return (
            f"Nobody stands out: the {nearest} works nearest in style are by {makers} artist{'s' * (makers != 1)}"
            f"{', led by no single one' if makers > 1 else ''}."
        )
    name, among, here = artists[0]
    return f"Of the {nearest} works nearest in style, {among} are by {name}, who has {here} works here."


def copies_sentence(*, exact: int, near: int) -> str:
    """Return what copies there are, with a space behind it; nothing where there are none."""
    if exact:
        return "This very file is in the archive. "
    return "The archive holds what looks like the same picture. " if near else ""


def _either(names: Sequence[str]) -> str:
    *most, last = names or ("nobody",)
    return f"{', '.join(most)} or {last}" if most else last
