"""The one kind of error a person is meant to read."""

from typing import Self


class StylesearchError(Exception):
    """Something a person can understand and mend.

    Parameters
    ----------
    message:
        What is wrong, in one line.
    hint:
        What to do about it, in one line; empty where the message already says so.
    code:
        A stable, lower-case name of the cause (``image_truncated``), for ledgers, logs and the API.

    Attributes
    ----------
    detail:
        Lines to show below, in a type of equal widths, such as a place with a caret below it; most often empty.
    """

    code = "error"
    detail = ""

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def bare(self) -> Self:
        """Return the error without where it came from: to be kept, as that would keep alive all that was at hand there."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self

    def __str__(self) -> str:
        """One line: the message, then what to do."""
        return f"{self.message} {self.hint}".strip()


class InputError(StylesearchError):
    """What was given cannot be used: a bad path, filter, value or file."""

    code = "input"


class ImageError(InputError):
    """An image that cannot be taken: unreadable, empty, truncated, over a limit, unsafe."""

    code = "image"


class ServiceError(StylesearchError):
    """A database, broker or store that is missing, too old, full or out of reach."""

    code = "service"


class NotFoundError(StylesearchError):
    """A thing that was named and does not exist."""

    code = "not_found"


class ConflictError(StylesearchError):
    """A change of something that somebody else has changed meanwhile."""

    code = "conflict"


class SignInError(StylesearchError):
    """Who asks is not known, and has to be."""

    code = "sign_in"


class DeniedError(StylesearchError):
    """Who asks is known, and may not do it."""

    code = "denied"
