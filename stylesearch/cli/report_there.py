"""``stylesearch report --server``: reports made and checked on another server."""

from __future__ import annotations

from stylesearch.attribution.verifying import Check
from stylesearch.cli.remote import client_of
from stylesearch.errors import InputError
from stylesearch.wire.reports import ReportFiles, ReportRequest


def report_there(server: str, data: bytes, name: str, where: str, *, pdf: bool) -> dict[str, bytes]:
    """Have a report made on an image file; return its files by their suffixes.

    Parameters
    ----------
    where:
        The filter, as it is written.
    """
    with client_of(server) as client:
        request = ReportRequest(file=client.upload(data).file, name=name[:200], where=where)
        report_id = client.make_report(request).report_id
        files = {
            "json": client.report_file(report_id),
            "html": client.report_html(report_id),
            "sig": client.report_signature(report_id),
        }
        return files | ({"pdf": client.report_pdf(report_id)} if pdf else {})


def checks_there(server: str, file: bytes, signature: bytes | None) -> list[Check]:
    """Have a report's file checked; return what came of it.

    Raises
    ------
    InputError
        If it is no text.
    """
    try:
        files = ReportFiles(file=file.decode(), signature=None if signature is None else signature.decode())
    except UnicodeDecodeError:
        raise InputError(
            "This is no report, or it was changed so that it cannot be read.",
            hint="Give the file NAME.report.json as it was written or downloaded.",
            code="not_a_report",
        ) from None
    with client_of(server) as client:
        return [Check(one.name, one.state, one.text) for one in client.check_report(files).checks]
