"""Tells by its content, never by its name, what an uploaded file is, and gives its tables."""

from service.exchange.cells import MOST_FILE_BYTES, Table
from service.exchange.csv_reading import read_csv
from service.exchange.faults import Fault, FaultCode, FileRefused
from service.exchange.workbook_reading import read_workbook

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The compound file of Excel 97-2003, and of workbooks protected by a password."""
_NO_TABLES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"MZ", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")


def open_tables(content: bytes) -> list[Table]:
    """The tables of an XLSX or CSV file. Raises FileRefused for anything else."""
    if not content:
        raise FileRefused(Fault(FaultCode.EMPTY_FILE))
    if len(content) > MOST_FILE_BYTES:
        raise FileRefused(Fault(FaultCode.TOO_LARGE, expected={"most_mib": MOST_FILE_BYTES // 1024 // 1024}))
    if content.startswith(_ZIP):
        tables = read_workbook(content)
        if not tables:
            raise FileRefused(Fault(FaultCode.EMPTY_FILE))
        return tables
    if content.startswith(_OLD_EXCEL):
        raise FileRefused(Fault(FaultCode.OLD_EXCEL))
    if content.startswith(_NO_TABLES) or content[:512].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise FileRefused(Fault(FaultCode.NOT_A_TABLE))
    return [read_csv(content)]
