"""Workbooks as Excel, a library or somebody with bad intent writes them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
DATE, TIME, MOMENT, SPAN, PHONE = 1, 2, 3, 4, 5  # styles of the cells below


def cell(reference: str, value: object = "", *, kind: str = "n", style: int = 0, formula: str = "") -> str:
    """One cell, with a value as XML has it; ``inlineStr`` takes a text."""
    inside = f"<f>{formula}</f>" if formula else ""
    if kind == "inlineStr":
        inside += f"<is><t>{escape(str(value))}</t></is>"
    elif value != "":
        inside += f"<v>{escape(str(value))}</v>"
    return f'<c r="{reference}" s="{style}" t="{kind}">{inside}</c>'


def row(*values: object, more: str = "") -> str:
    """One row whose cells do not say where they are; an int is a number, and a text stands in its cell."""
    cells = (
        f"<c><v>{value}</v></c>" if isinstance(value, (int, float)) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        for value in values
    )
    return f"<row{more}>{''.join(cells)}</row>"


def workbook(
    sheets: Mapping[str, Iterable[str]],
    *,
    texts: Iterable[str] = (),
    hidden: Iterable[str] = (),
    begins_1904: bool = False,
    begin: str = '<?xml version="1.0"?>',
) -> bytes:
    """A workbook.

    :param sheets: the rows of each sheet, as XML.
    :param texts: what stands in each shared text, as XML.
    :param hidden: the sheets that are hidden.
    :param begin: the first lines of each sheet.
    """
    names = list(sheets)
    states = dict.fromkeys(hidden, ' state="hidden"')
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at}" r:id="s{at}"{states.get(name, "")}/>' for at, name in enumerate(names)
    )
    related = "".join(
        f'<Relationship Id="s{at}" Type="{_KINDS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(len(names))
    )
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" Type="{_KINDS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_KINDS}"><workbookPr date1904="{int(begins_1904)}"/>'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{related}'
        f'<Relationship Id="t" Type="{_KINDS}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        f'<Relationship Id="f" Type="{_KINDS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" '
        'formatCode="[$-409]d\\ mmm\\ yyyy\\ h:mm;@"/>'
        '<numFmt numFmtId="165" formatCode="&quot;days &quot;0"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="20"/><xf numFmtId="164"/><xf numFmtId="46"/><xf numFmtId="165"/></cellXfs></styleSheet>',
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path, content in parts.items():
            packed.writestr(path, content)
        with packed.open("xl/sharedStrings.xml", "w") as part:
            part.write(f'<sst xmlns="{_MAIN}">'.encode())
            for text in texts:
                part.write(f"<si>{text}</si>".encode())
            part.write(b"</sst>")
        for at, name in enumerate(names):
            with packed.open(f"xl/worksheets/sheet{at}.xml", "w") as part:
                part.write(f'{begin}<worksheet xmlns="{_MAIN}"><dimension ref="A1"/><sheetData>'.encode())
                for each in sheets[name]:
                    part.write(each.encode())
                part.write(b"</sheetData></worksheet>")
    return target.getvalue()
