"""From a rights holder's request to a work that is gone: asked for, looked at, hidden, and kept out."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from stylesearch.catalog import audit, versions
from stylesearch.catalog.withdrawals import GROUNDS, UNDECIDED, Withdrawal, WithdrawalRequest
from stylesearch.catalog.works import Collection, Image, Work
from stylesearch.catalog.writers import hold_collection
from stylesearch.errors import ConflictError, InputError, NotFoundError

LONGEST = {"address": 2000, "name": 200, "email": 254, "statement": 5000, "note": 5000}
"""In characters."""

PAGE = 50


def ask(
    session: Session,
    *,
    work_id: int | None,
    address: str,
    ground: str,
    name: str,
    email: str,
    statement: str,
) -> WithdrawalRequest:
    """Write a request down; return it with the id by which who asks finds it again.

    Raises
    ------
    InputError
        If the ground is none of :data:`~stylesearch.catalog.withdrawals.GROUNDS`, or a text is too long.
    """
    if ground not in GROUNDS:
        raise InputError("No reason was chosen.", hint=f"Choose one of: {', '.join(GROUNDS)}.", code="field")
    texts = {"address": address, "name": name, "email": email, "statement": statement}
    for what, text in texts.items():
        if not text or len(text) > LONGEST[what]:
            raise InputError(
                f"The field “{what}” must have from 1 to {LONGEST[what]:,} characters.",
                hint="Mend it, and send the form again.",
                code="field",
            )
    request = WithdrawalRequest(public_id=secrets.token_urlsafe(16), work_id=work_id, ground=ground, **texts)
    session.add(request)
    session.flush()
    audit.record(session, "withdrawal.ask", subject_of(request), {"work": work_id, "ground": ground})
    return request


def find_request(session: Session, which: int | str) -> WithdrawalRequest:
    """Return a request by its number, or by the id that who asks was given.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    known = WithdrawalRequest.id == which if isinstance(which, int) else WithdrawalRequest.public_id == which
    found = session.scalar(select(WithdrawalRequest).where(known))
    if found is None:
        raise NotFoundError("There is no such request.", hint="Check the address.", code="unknown_request")
    return found


def list_requests(
    session: Session, *, decided: bool, before: int | None = None, most: int = PAGE
) -> Sequence[WithdrawalRequest]:
    """Return requests, the newest first; those that wait for a decision, or those that have one."""
    waits = WithdrawalRequest.state.in_(UNDECIDED)
    rows = select(WithdrawalRequest).where(~waits if decided else waits)
    if before is not None:
        rows = rows.where(WithdrawalRequest.id < before)
    return session.scalars(rows.order_by(WithdrawalRequest.id.desc()).limit(most)).all()


def concern(session: Session, request_id: int, work_id: int, *, version: int | None = None) -> None:
    """Say which work a request is about, where its address did not tell.

    Raises
    ------
    NotFoundError
        If there is no such request or work.
    ConflictError
        If it is decided, or somebody else has changed it meanwhile.
    """
    request = _held(session, request_id, version, {"work_id": work_id})
    if request.state != "open":
        raise _late(request)
    if session.get(Work, work_id) is None:
        raise NotFoundError(f"There is no work {work_id} here.", code="unknown_work")
    before = {"work_id": request.work_id}
    request.work_id = work_id
    _changed(session, request, "withdrawal.concern", before)


def hide(session: Session, request_id: int, *, version: int | None = None) -> None:
    """Have a request's work not be shown while it is looked at. Errors as :func:`grant`."""
    request = _held(session, request_id, version, {"state": "hidden"})
    if request.state != "open":
        raise _late(request)
    before = shown(request)
    _hide(session, request, [_work_of(request)])
    request.state = "hidden"
    _changed(session, request, "withdrawal.hide", before)


def grant(
    session: Session, request_id: int, *, note: str = "", everywhere: bool = True, version: int | None = None
) -> None:
    """Withdraw a request's work for good: it is hidden from the end of the transaction on, and not taken in again.

    Parameters
    ----------
    everywhere:
        Whether the same image files are withdrawn in other collections too.

    Raises
    ------
    NotFoundError
        If there is no such request; ``unknown_work``, if it does not say of which work.
    ConflictError
        If it is decided already, or somebody else has changed it meanwhile.
    """
    request = _held(session, request_id, version, {"state": "granted"})
    if request.state not in UNDECIDED:
        raise _late(request)
    before = shown(request)
    work_id = _work_of(request)
    _writers_wait(session)
    digests = session.scalars(select(Image.sha256).where(Image.work_id == work_id)).all()
    work_ids = {work_id}
    if everywhere:
        work_ids |= set(session.scalars(select(Image.work_id).where(Image.sha256.in_(digests))))
    _hide(session, request, work_ids)
    places = session.execute(
        select(Work.collection_id, Work.source_id).where(Work.id.in_(work_ids)).order_by(Work.id)
    ).all()
    home = session.get_one(Work, work_id).collection_id
    for collection_id, source_id in places:
        session.add(
            Withdrawal(
                collection_id=collection_id, source_id=source_id, reason=request.ground, request_id=request.id
            )
        )
    for digest in digests:
        session.add(
            Withdrawal(
                collection_id=None if everywhere else home,
                sha256=digest,
                reason=request.ground,
                request_id=request.id,
            )
        )
    _decide(session, request, "granted", note, before)


def refuse(session: Session, request_id: int, *, note: str = "", version: int | None = None) -> None:
    """Leave a request's work where it is, or show it again if it was hidden meanwhile. Errors as :func:`grant`."""
    request = _held(session, request_id, version, {"state": "refused"})
    if request.state not in UNDECIDED:
        raise _late(request)
    before = shown(request)
    _show_again(session, request)
    _decide(session, request, "refused", note, before)


def reopen(session: Session, request_id: int, *, version: int | None = None) -> None:
    """Take a decision back: what was withdrawn is shown again, and may be taken in.

    Raises
    ------
    ConflictError
        If there is no decision, or somebody else has changed the request meanwhile.
    """
    request = _held(session, request_id, version, {"state": "open"})
    if request.state in UNDECIDED:
        raise _late(request)
    before = shown(request)
    _writers_wait(session)
    session.execute(delete(Withdrawal).where(Withdrawal.request_id == request.id))
    _show_again(session, request)
    request.state, request.decided_at, request.decided_by = "open", None, None
    _changed(session, request, "withdrawal.reopen", before)


def subject_of(request: WithdrawalRequest) -> str:
    """Return what a request is called in the audit log."""
    return f"withdrawal:{request.id}"


def shown(request: WithdrawalRequest) -> dict[str, Any]:
    """Return what can be changed of a request."""
    return {"state": request.state, "work_id": request.work_id, "note": request.note}


def _held(
    session: Session, request_id: int, version: int | None, wanted: dict[str, Any]
) -> WithdrawalRequest:
    """Return a request that nobody else changes until the end of the transaction."""
    find_request(session, request_id)
    request = session.scalars(
        select(WithdrawalRequest)
        .where(WithdrawalRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    versions.check(request.version, version, shown(request), wanted, subject_of(request), session)
    return request


def _late(request: WithdrawalRequest) -> ConflictError:
    by = f" by {request.decided_by}" if request.decided_by else ""
    return ConflictError(
        f"This request is {request.state}{by} already.", hint="Look at it as it is now.", code="decided"
    )


def _work_of(request: WithdrawalRequest) -> int:
    if request.work_id is None:
        raise NotFoundError(
            "It is not known yet of which work this request is.",
            hint="Give the work's number first.",
            code="unknown_work",
        )
    return request.work_id


def _writers_wait(session: Session) -> None:
    """Have whoever writes works wait for this transaction: so what is in the middle of being taken in finds the tombstone."""
    for collection_id in session.scalars(select(Collection.id).order_by(Collection.id)).all():
        hold_collection(session, collection_id)


def _hide(session: Session, request: WithdrawalRequest, work_ids: Iterable[int]) -> None:
    # What was withdrawn before there were requests stays so, whatever becomes of this one.
    ids = list(work_ids)
    free = set(
        session.scalars(
            update(Work)
            .where(Work.id.in_(ids), Work.withdrawn_at.is_(None))
            .values(withdrawn_at=func.now())
            .returning(Work.id)
        )
    )
    others = _hidden_by_others(session, request)
    request.hidden = sorted(set(request.hidden) | free | (set(ids) & others))


def _show_again(session: Session, request: WithdrawalRequest) -> None:
    freed = set(request.hidden) - _hidden_by_others(session, request)
    session.execute(update(Work).where(Work.id.in_(freed)).values(withdrawn_at=None, updated_at=func.now()))
    request.hidden = []


def _hidden_by_others(session: Session, request: WithdrawalRequest) -> set[int]:
    rows = session.scalars(
        select(func.unnest(WithdrawalRequest.hidden)).where(
            WithdrawalRequest.id != request.id, WithdrawalRequest.state.in_(("hidden", "granted"))
        )
    )
    return set(rows)


def _decide(
    session: Session, request: WithdrawalRequest, state: str, note: str, before: dict[str, Any]
) -> None:
    request.state, request.note = state, note
    request.decided_by, request.decided_at = audit.acting().name, func.now()
    _changed(session, request, f"withdrawal.{'grant' if state == 'granted' else 'refuse'}", before)


def _changed(session: Session, request: WithdrawalRequest, action: str, before: dict[str, Any]) -> None:
    request.version += 1
    session.flush()
    after = {name: value for name, value in shown(request).items() if name in before}
    audit.record(
        session, action, subject_of(request), audit.changes(before, after) | {"hidden": request.hidden}
    )
