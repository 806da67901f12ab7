"""Looks at a workbook's archive before it is parsed: sizes, macros, and XML that would expand itself.

openpyxl trusts its input; nothing reaches it that has not passed here.
"""

import zlib
from io import BytesIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from service.exchange.faults import Fault, FaultCode, FileRefused

MOST_PARTS = 500
MOST_UNPACKED_BYTES = 256 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_READ_SUFFIXES = (".xml", ".rels")


def open_archive(content: bytes) -> ZipFile:
    """The archive of a workbook that is safe to parse. Raises FileRefused."""
    try:
        archive = ZipFile(BytesIO(content))
        _check_parts(archive)
        for name in archive.namelist():
            if name.lower().endswith(_READ_SUFFIXES):
                _check_xml(archive, name)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise FileRefused(Fault(FaultCode.DAMAGED_WORKBOOK)) from error
    return archive


def _check_parts(archive: ZipFile) -> None:
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise FileRefused(Fault(FaultCode.NOT_A_TABLE))
    # The directory may lie about sizes, so they are counted again while the parts are read.
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        raise FileRefused(_too_large())
    if len(set(names)) != len(names):
        raise FileRefused(Fault(FaultCode.DANGEROUS_WORKBOOK))
    if any("vbaproject" in name.lower() or "/macrosheets/" in name.lower() for name in names):
        raise FileRefused(Fault(FaultCode.MACROS))


def _check_xml(archive: ZipFile, name: str) -> None:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    unpacked = 0
    with archive.open(name) as part:
        try:
            while chunk := part.read(_CHUNK_BYTES):
                unpacked += len(chunk)
                if unpacked > MOST_UNPACKED_BYTES:
                    raise FileRefused(_too_large())
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise FileRefused(Fault(FaultCode.DAMAGED_WORKBOOK, found=name)) from error


def _refuse_doctype(*_declared: object) -> None:
    # No spreadsheet program writes a document type; entities are only declared in one.
    raise FileRefused(Fault(FaultCode.DANGEROUS_WORKBOOK))


def _too_large() -> Fault:
    return Fault(FaultCode.TOO_LARGE, expected={"most_mib": MOST_UNPACKED_BYTES // 1024 // 1024})
