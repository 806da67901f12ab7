"""A word processor's document (DOCX): headings, paragraphs, tables, and the few parts of ISO/IEC 29500-1 they need."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
UNREADABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0, section 2.2, cannot hold."""
TEXT_WIDTH_TWIPS = 9_640
"""A4 with margins of 2 cm; a twip is 1/20 point."""
MARGIN_TWIPS = 1_134
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The same content gives the same bytes."""

PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{TYPES}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{MIME}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{MIME}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{RELATIONS}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    ),
    "word/_rels/document.xml.rels": (
        f'<Relationships xmlns="{RELATIONS}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
}


class WordDocument:
    """Collects headings, paragraphs and tables, top to bottom."""

    def __init__(self) -> None:
        self._body: list[str] = []

    def heading(self, text: str, level: int = 1) -> None:
        """Add a heading of level 1 to 3."""
        self._body.append(_paragraph(text, f"Heading{level}"))

    def paragraph(self, text: str) -> None:
        """Add a paragraph; its line breaks stay."""
        self._body.append(_paragraph(text))

    def table(self, rows: Iterable[Sequence[str]], widths: Sequence[float]) -> None:
        """Add a table whose first row is its head, repeated on each page; `widths` as shares of the page's."""
        total = sum(widths)
        columns = [round(TEXT_WIDTH_TWIPS * width / total) for width in widths]
        grid = "".join(f'<w:gridCol w:w="{column}"/>' for column in columns)
        lines = "".join(_row(row, columns, is_head=index == 0) for index, row in enumerate(rows))
        properties = f'<w:tblStyle w:val="TableGrid"/><w:tblW w:w="{sum(columns)}" w:type="dxa"/>'
        self._body.append(
            f'<w:tbl><w:tblPr>{properties}<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{lines}'
            "</w:tbl>"
        )
        self._body.append(_paragraph(""))  # two tables that touch would become one

    def content(self) -> bytes:
        """Give the file."""
        margins = " ".join(f'w:{side}="{MARGIN_TWIPS}"' for side in ("top", "right", "bottom", "left"))
        page = (
            '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
            f'<w:pgMar {margins} w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
        )
        document = f'<w:document xmlns:w="{NAMESPACE}"><w:body>{"".join(self._body)}{page}</w:body></w:document>'
        out = BytesIO()
        with ZipFile(out, "w", ZIP_DEFLATED) as archive:
            for name, text in {**PARTS, "word/styles.xml": _styles(), "word/document.xml": document}.items():
                part = ZipInfo(name, EARLIEST)
                part.compress_type = ZIP_DEFLATED
                archive.writestr(part, XML + text)
        return out.getvalue()


def _paragraph(text: str, style: str | None = None) -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    lines = UNREADABLE.sub("", text).splitlines() or [""]
    runs = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)
    return f"<w:p>{properties}<w:r>{runs}</w:r></w:p>"


def _row(values: Sequence[str], columns: Sequence[int], *, is_head: bool) -> str:
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="DCEBEE"/>' if is_head else ""
    style = "TableHead" if is_head else "TableText"
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{column}" w:type="dxa"/>{shade}</w:tcPr>{_paragraph(value, style)}</w:tc>'
        for value, column in zip(values, columns, strict=True)
    )
    properties = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if is_head else ""
    return f"<w:tr>{properties}{cells}</w:tr>"


def _styles() -> str:
    def style(name: str, title: str, size: int, spacing: str, *, bold: bool = False, level: int | None = None) -> str:
        outline = "" if level is None else f'<w:outlineLvl w:val="{level}"/>'
        keep = "" if level is None else "<w:keepNext/>"
        weight = "<w:b/>" if bold else ""
        return (
            f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{title}"/><w:basedOn w:val="Normal"/>'
            f"<w:qFormat/><w:pPr>{keep}<w:spacing {spacing}/>{outline}</w:pPr>"
            f'<w:rPr>{weight}<w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr></w:style>'
        )

    fonts = '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="宋体" w:cs="Calibri"/>'
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="9AA8AC"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    return (
        f'<w:styles xmlns:w="{NAMESPACE}"><w:docDefaults><w:rPrDefault><w:rPr>{fonts}<w:sz w:val="22"/>'
        '<w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>'
        '<w:pPr><w:spacing w:after="120"/></w:pPr></w:style>'
        '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/></w:style>'
        '<w:style w:type="table" w:styleId="TableGrid"><w:name w:val="Table Grid"/><w:basedOn w:val="TableNormal"/>'
        f'<w:tblPr><w:tblBorders>{borders}</w:tblBorders><w:tblCellMar><w:left w:w="100" w:type="dxa"/>'
        '<w:right w:w="100" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style>'
        + style("Heading1", "heading 1", 36, 'w:before="0" w:after="160"', bold=True, level=0)
        + style("Heading2", "heading 2", 28, 'w:before="320" w:after="80"', bold=True, level=1)
        + style("Heading3", "heading 3", 24, 'w:before="200" w:after="80"', bold=True, level=2)
        + style("TableHead", "Table Head", 20, 'w:before="20" w:after="20"', bold=True)
        + style("TableText", "Table Text", 20, 'w:before="20" w:after="20"')
        + "</w:styles>"
    )
