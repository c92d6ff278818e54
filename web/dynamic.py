"""Words that pages take from tables, settings and the database: named here so that they are found and translated."""

from __future__ import annotations


def _(message: str) -> str:
    """Mark a message; it is put into the visitor's language where it is shown."""
    return message


WORDS = frozenset(
    [
        _("visitor"),
        _("viewer"),
        _("curator"),
        _("admin"),
        _("open"),
        _("hidden"),
        _("granted"),
        _("refused"),
        _("discovering"),
        _("running"),
        _("finished"),
        _("folder"),
        _("table"),
        _("shards"),
        _("iiif"),
        _("oai"),
        _("backfill"),
        _("I hold the rights, or act for who does"),
        _("It shows me, or somebody I act for"),
        _("Something else is wrong with it"),
        _("search, and read works, artists, collections and reports"),
        _("make attribution reports"),
        _("take works in, and follow and repeat ingest runs"),
        _("everything that the pages of administration do"),
        _("Everybody"),
        _("Viewers and the staff, signed in"),
        _("The staff: curators and administrators"),
        _("requests for withdrawal to decide on"),
        _("ingest runs that are not finished"),
        _("runs that a problem has stopped"),
        _("items in quarantine"),
        _("pairs that look alike, to judge"),
        _("encoders"),
        _("collections"),
        _("users"),
        _("The user is changed."),
        _("The token is none any more."),
        _("The collection is changed."),
        _("All other sign-ins have ended."),
        _("That sign-in has ended."),
        _("The password is changed. All other sign-ins have ended."),
        _("Kept: the same picture."),
        _("Kept: two pictures."),
        _("Taken back."),
        _("Noted."),
        _("The work is hidden while the request is looked at."),
        _("The work is withdrawn: hidden, and not taken in again."),
        _("The request is refused."),
        _("The decision is taken back."),
        _("There was nothing that could be tried again."),
        _("Sign in with your organisation"),
    ]
)
