"""Tables in and out: templates, exports, and imports that are looked at before they are applied."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import IO, Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, UploadFile, status
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from service.accounts.principal import Person
from service.api.dependencies import AdministratorDependency, PartsDependency
from service.configuration import Locale
from service.exchange.cells import MOST_FILE_BYTES
from service.exchange.checking import WORKBOOK
from service.exchange.columns import SheetKind
from service.exchange.exports import export, sheets_of
from service.exchange.faults import Fault
from service.exchange.findings import Change, FieldChange, Scalar, Summary
from service.exchange.imports import apply, look_at
from service.exchange.sheets import BY_KIND
from service.exchange.writing import write_csv, write_workbook
from service.problems import InvalidRequest, Problem

router = APIRouter(tags=["exchange"])

Kind = Literal[
    "county",
    "schools",
    "bells",
    "terms",
    "special_days",
    "rooms",
    "teachers",
    "classes",
    "timetables",
    "series",
    "demands",
    "pacts",
]
Format = Annotated[
    Literal["xlsx", "csv"], Query(alias="format", description="Kind of file; a whole county is xlsx only.")
]
LocaleParameter = Annotated[Locale | None, Query(description="Language of headers and words; yours when not given.")]
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE = "text/csv; charset=utf-8"
CHUNK_BYTES = 64 * 1024
FILES: dict[int | str, dict[str, object]] = {200: {"content": {XLSX_TYPE: {}, "text/csv": {}}}}


class FaultAnswer(BaseModel):
    """One mistake: what is wrong (`code`), where, what was found, and in `expected` what is expected instead."""

    code: str
    severity: Literal["error", "warning"]
    sheet: str
    row: int | None
    column: str
    header: str
    found: str
    expected: dict[str, str | int]

    @classmethod
    def of(cls, fault: Fault) -> "FaultAnswer":
        """From what the check found."""
        return cls(
            code=fault.code,
            severity="warning" if fault.is_warning else "error",
            sheet=fault.sheet,
            row=fault.row,
            column=fault.column,
            header=fault.header,
            found=fault.found,
            expected=dict(fault.expected),
        )


class FieldChangeAnswer(BaseModel):
    """One field before and after, in words of the reader's language; None is nothing."""

    field: str
    label: str
    before: Scalar
    after: Scalar


class ChangeAnswer(BaseModel):
    """What one row creates or updates."""

    action: Literal["create", "update"]
    kind: str
    sheet: str
    row: int
    name: str
    fields: list[FieldChangeAnswer]

    @classmethod
    def of(cls, change: Change, locale: str) -> "ChangeAnswer":
        """From what the check found."""
        kind = BY_KIND[change.kind]
        fields = [_field_change(kind, item, locale) for item in change.fields]
        return cls(
            action=change.action, kind=change.kind, sheet=change.sheet, row=change.row, name=change.name, fields=fields
        )


class KindCount(BaseModel):
    """How many rows of one kind of table do what."""

    kind: str
    rows: int
    created: int
    updated: int
    unchanged: int


class ImportReport(BaseModel):
    """What was found in a file. With `can_apply` false `id` is empty and nothing can be applied."""

    id: str
    kind: Kind
    file_name: str
    can_apply: bool
    applied: bool
    faults: list[FaultAnswer]
    fault_total: int
    error_total: int
    changes: list[ChangeAnswer]
    change_total: int
    counts: list[KindCount]


@router.post("/imports", status_code=status.HTTP_201_CREATED)
def check_import(
    person: AdministratorDependency,
    parts: PartsDependency,
    kind: Annotated[Kind, Form(description="county: a workbook with a sheet for each table.")],
    file: Annotated[UploadFile, File(description="XLSX or CSV.")],
) -> ImportReport:
    """Look through a file and report every mistake and every change; nothing is written yet."""
    content = file.file.read(MOST_FILE_BYTES + 1)
    import_id, summary = look_at(parts, person, kind, file.filename or "", content)
    return _report(import_id, kind, file.filename or "", summary, person.locale, applied=False)


class ImportResult(BaseModel):
    """What was done."""

    id: str
    change_total: int
    counts: list[KindCount]


@router.post("/imports/{import_id}/apply")
def apply_import(import_id: str, person: AdministratorDependency, parts: PartsDependency) -> ImportResult:
    """Do all that the report listed, in one transaction; 409 if it would no longer do exactly that."""
    summary = apply(parts, person, import_id)
    return ImportResult(id=import_id, change_total=summary.change_total, counts=_counts(summary))


@router.get("/templates/{kind}", response_class=Response, responses=FILES)
def download_template(
    kind: Kind, person: AdministratorDependency, form: Format = "xlsx", locale: LocaleParameter = None
) -> Response:
    """A file to fill in: headers, comments, lists of choices and an example line that is not imported."""
    language = _language(person, locale)
    _refuse_county_as_csv(kind, form)
    if form == "csv":
        file = write_csv(sheets_of(kind)[0], [], language, example=True)
    else:
        file = write_workbook([(sheet, []) for sheet in sheets_of(kind)], language, example=True)
    return _answer(file, kind, form, language, template=True)


@router.get("/exports/{kind}", response_class=Response, responses=FILES)
def export_table(
    kind: Kind,
    person: AdministratorDependency,
    parts: PartsDependency,
    form: Format = "xlsx",
    locale: LocaleParameter = None,
) -> Response:
    """Everything of one kind in one's own subtree, in the shape that can be imported again."""
    language = _language(person, locale)
    _refuse_county_as_csv(kind, form)
    return _answer(export(parts, person, kind, form, language), kind, form, language, template=False)


class CountyIsNotCsv(Problem):
    """A CSV file holds one table only."""

    status = InvalidRequest.status
    code = "workbook_only"


def _refuse_county_as_csv(kind: Kind, form: Literal["xlsx", "csv"]) -> None:
    if form == "csv" and kind == WORKBOOK:
        raise CountyIsNotCsv("A whole county needs a workbook: ask for format=xlsx.")


def _answer(
    file: IO[bytes], kind: Kind, form: Literal["xlsx", "csv"], locale: str, *, template: bool
) -> StreamingResponse:
    suffix = ("template" if locale == "en" else "模板") if template else ""
    whole = "county" if locale == "en" else "全县"
    words = [whole if kind == WORKBOOK else BY_KIND[kind].title(locale), suffix]
    name = "-".join(word for word in words if word) + f".{form}"
    plain = f"{kind}{'-template' if template else ''}.{form}"
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(_chunks(file), media_type=CSV_TYPE if form == "csv" else XLSX_TYPE, headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _language(person: Person, locale: str | None) -> str:
    return locale or ("en" if person.locale == "en" else "zh-CN")


def _report(
    import_id: str, kind: Kind, file_name: str, summary: Summary, locale: str, *, applied: bool
) -> ImportReport:
    return ImportReport(
        id=import_id,
        kind=kind,
        file_name=file_name,
        can_apply=bool(import_id),
        applied=applied,
        faults=[FaultAnswer.of(fault) for fault in summary.faults],
        fault_total=summary.fault_total,
        error_total=summary.error_total,
        changes=[ChangeAnswer.of(change, locale) for change in summary.changes],
        change_total=summary.change_total,
        counts=_counts(summary),
    )


def _counts(summary: Summary) -> list[KindCount]:
    return [KindCount(**asdict(count)) for count in summary.counts]


def _field_change(kind: SheetKind, change: FieldChange, locale: str) -> FieldChangeAnswer:
    language = "en" if locale == "en" else "zh"
    column = next((column for column in kind.columns if column.name == change.field), None)

    def word(value: Scalar) -> Scalar:
        key = ("yes" if value else "no") if isinstance(value, bool) else value
        names = column.choices.get(key) if column and isinstance(key, str) else None
        return names[language] if names else value

    label = column.header(locale) if column else change.field
    return FieldChangeAnswer(field=change.field, label=label, before=word(change.before), after=word(change.after))
