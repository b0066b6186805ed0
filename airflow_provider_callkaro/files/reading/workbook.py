"""An Excel workbook (``.xlsx``) as it is packed: a zip of XML files, of which a bounded part is held at a time.

Libraries for it either hold a whole sheet in memory or leave out rows that a sheet's own summary does not speak of, so
this reads the XML itself, with Python's expat. Source: ECMA-376 part 1, chapter 18 (SpreadsheetML).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

MAX_TEXTS = 48 << 20  # bytes of the texts that a workbook keeps in one place for all its cells
MAX_PART = 8 << 20  # bytes of a part that is read as a whole: the list of sheets, the styles
_MAX_DIRECTORY = 1 << 20  # bytes of the zip's list of its files
_MAX_TOKEN = 2 << 20  # bytes of one tag
_PIECE = 1 << 16  # bytes
_END_OF_ZIP = b"PK\x05\x06"
_PER_TEXT = 64  # bytes that any text takes at least
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how a text holds what XML cannot
_RELATIONS = "{}_rels/{}.rels"
Attributes = Mapping[str, str]


class NoWorkbook(ValueError):
    """The file is no workbook, or a damaged one, or one that would fill the memory. It never leaves this package."""


class Workbook:
    """The parts of a workbook that its cells need.

    :param file: an open binary file that can seek.
    :raises NoWorkbook: it is none.
    :ivar sheets: the path of each sheet by its name, in their order; hidden ones last.
    :ivar texts: the texts that cells refer to by number.
    :ivar formats: the format of numbers of each style: its built-in id, or its code.
    :ivar begins_1904: whether days are counted from 1904, and not from 1900.
    """

    def __init__(self, file: BinaryIO) -> None:
        _check_directory(file)
        try:
            self._zip = ZipFile(file)
        except (BadZipFile, ValueError, NotImplementedError):
            raise NoWorkbook("it is no Excel workbook, or a damaged one") from None
        self.begins_1904 = False
        self.texts: list[str] = []
        self.formats: list[int | str] = []
        main = next((target for kind, _, target in self._relations("") if kind == "officeDocument"), None)
        if main is None:
            raise NoWorkbook("it is no Excel workbook")
        self.sheets = self._read_sheets(main)
        for kind, _, target in self._relations(main):
            if kind == "sharedStrings":
                self._read_texts(target)
            elif kind == "styles":
                self._read_styles(target)

    def close(self) -> None:
        """Close the zip, and not the file."""
        self._zip.close()

    def parse(self, path: str, handlers: Handlers, *, most: int | None = None) -> Iterator[None]:
        """Give what a part holds to the handlers, a piece at a time.

        :raises NoWorkbook: the part is damaged, is not there, or is longer than ``most`` bytes.
        """
        parser = expat.ParserCreate()
        parser.StartElementHandler = lambda name, attributes: handlers.begin(name.rpartition(":")[2], attributes)
        parser.EndElementHandler = lambda name: handlers.end(name.rpartition(":")[2])
        parser.CharacterDataHandler = handlers.text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        fed = 0
        try:
            with self._zip.open(path) as part:
                while piece := part.read(_PIECE):
                    fed += len(piece)
                    parser.Parse(piece, False)
                    if fed - parser.CurrentByteIndex > _MAX_TOKEN or (most is not None and fed > most):
                        raise NoWorkbook("it would fill the memory once it is unpacked: save it as CSV")
                    yield
                parser.Parse(b"", True)
                yield
        except (KeyError, BadZipFile, EOFError, zlib.error, expat.ExpatError, NotImplementedError, RuntimeError):
            raise NoWorkbook("it is a damaged Excel workbook, or one with a password") from None

    def _all(self, path: str, begin: Callable[[str, Attributes], None]) -> None:
        for _ in self.parse(path, Handlers(begin), most=MAX_PART):
            pass

    def _relations(self, path: str) -> list[tuple[str, str, str]]:
        """The kind, the id and the target of what a part, or with no path the workbook itself, refers to."""
        folder, _, name = path.rpartition("/")
        folder = f"{folder}/" if folder else ""
        found: list[tuple[str, str, str]] = []

        def begin(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship":
                target = attributes.get("Target", "")
                target = target[1:] if target.startswith("/") else folder + target
                found.append((attributes.get("Type", "").rpartition("/")[2], attributes.get("Id", ""), target))

        self._all(_RELATIONS.format(folder, name), begin)
        return found

    def _read_sheets(self, main: str) -> dict[str, str]:
        targets = {ref: target for kind, ref, target in self._relations(main) if kind == "worksheet"}
        shown: dict[str, str] = {}
        hidden: dict[str, str] = {}

        def begin(tag: str, attributes: Attributes) -> None:
            if tag == "workbookPr":
                self.begins_1904 = attributes.get("date1904") in ("1", "true")
            elif tag == "sheet":
                ref = next((value for name, value in attributes.items() if name.rpartition(":")[2] == "id"), "")
                if ref in targets:
                    some = shown if attributes.get("state", "visible") == "visible" else hidden
                    some[attributes.get("name", "")] = targets[ref]

        self._all(main, begin)
        return {**shown, **hidden}

    def _read_texts(self, path: str) -> None:
        handlers = _Texts(self.texts)
        for _ in self.parse(path, handlers):
            if handlers.size > MAX_TEXTS:
                raise NoWorkbook("it holds too many different texts to keep in memory: save it as CSV")

    def _read_styles(self, path: str) -> None:
        codes: dict[int, str] = {}
        inside = ""

        def begin(tag: str, attributes: Attributes) -> None:
            nonlocal inside
            if tag in ("cellXfs", "cellStyleXfs", "dxfs"):
                inside = tag
            elif tag == "numFmt" and inside != "dxfs":
                codes[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
            elif tag == "xf" and inside == "cellXfs":
                number = int(attributes.get("numFmtId", "0"))
                self.formats.append(codes.get(number, number))

        try:
            self._all(path, begin)
        except NoWorkbook:
            raise
        except ValueError:
            raise NoWorkbook("it is a damaged Excel workbook") from None


class Handlers:
    """What is done with the tags and texts of a part."""

    def __init__(self, begin: Callable[[str, Attributes], None] | None = None) -> None:
        self._begin = begin

    def begin(self, tag: str, attributes: Attributes) -> None:
        """A tag opens."""
        if self._begin is not None:
            self._begin(tag, attributes)

    def end(self, tag: str) -> None:
        """A tag closes."""

    def text(self, text: str) -> None:
        """A piece of text between tags."""


class _Texts(Handlers):
    """Collects the texts of cells. A text may be in several runs, and have a reading aid that is no part of it."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.size = 0
        self._texts = texts
        self._pieces: list[str] = []
        self._in_text = False
        self._in_aid = False

    def begin(self, tag: str, attributes: Attributes) -> None:  # noqa: ARG002
        if tag == "si":
            self._pieces = []
        elif tag == "rPh":
            self._in_aid = True
        elif tag == "t":
            self._in_text = not self._in_aid

    def end(self, tag: str) -> None:
        if tag == "si":
            self._texts.append(unescaped("".join(self._pieces)))
            self.size += _PER_TEXT
        elif tag == "rPh":
            self._in_aid = False
        elif tag == "t":
            self._in_text = False

    def text(self, text: str) -> None:
        self.size += len(text)
        if self._in_text and self.size <= MAX_TEXTS:
            self._pieces.append(text)


def unescaped(text: str) -> str:
    """A text of a cell as a person sees it."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _check_directory(file: BinaryIO) -> None:
    """Refuse a zip whose list of files would fill the memory, before it is read."""
    length = file.seek(0, 2)
    file.seek(max(0, length - (1 << 16) - 22))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END_OF_ZIP)
    if at < 0 or len(tail) < at + 16:
        raise NoWorkbook("it is no Excel workbook of 2007 or later (.xlsx), or one with a password: save it as one")
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if size > _MAX_DIRECTORY:
        raise NoWorkbook("it would fill the memory once it is unpacked: save it as CSV")


def _refuse_doctype(*_: Any) -> None:
    raise NoWorkbook("it holds a document type, which no workbook has")
