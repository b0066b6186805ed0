"""The code blocks of the pages, and who runs each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTPUT = "text"
"""The language of a block that shows what a command prints. Everything else is code."""


@dataclass(frozen=True)
class Block:
    """One fenced block.

    :param page: from the root of the repository, such as ``docs/ledger.md``.
    :param line: of its opening fence, from 1.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> Iterator[Block]:
    """The blocks of one page, in order."""
    language, begun, lines = None, 0, []
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, begun, lines = line.removeprefix("```").strip(), number, []
        else:
            yield Block(page, begun, language, "\n".join(lines) + "\n")
            language = None
    assert language is None, f"{page}:{begun}: a block without an end"


STORIES = ("docs/first-call.md", "docs/tutorial.md")
"""Pages of one reader who follows them from the first block to the last, in one folder."""

PAGES = (
    *STORIES,
    *sorted(
        str(path.relative_to(ROOT))
        for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md")
        if str(path.relative_to(ROOT)) not in STORIES
    ),
)

RUN_ELSEWHERE = {
    "docs/adding-a-vendor.md": ("tests/test_adding_a_vendor.py", {"python", "diff", "bash"}),
    "docs/architecture.md": ("tests/test_architecture.py", {"mermaid"}),
    "docs/board.md": ("tests/board/test_board_guide.py", {"ini", "bash"}),
    "docs/hooks.md": ("tests/hooks/test_get_conn.py", {"python"}),
    "docs/mrassistant.md": ("tests/operators/mrassistant/test_mrassistant_guide.py", {"python"}),
    "docs/taskflow.md": ("tests/decorators/test_contacts_from_a_function.py", {"python"}),
    "docs/sandbox.md": ("tests/sandbox/test_sandbox_guide.py", {"python"}),
}
"""Pages with a test of their own, and which of their blocks it runs."""


def all_blocks() -> list[Block]:
    """Every block of code, page by page, in the order in which a reader meets them."""
    return [block for page in PAGES for block in blocks_of(page) if block.language != OUTPUT]


def runs_elsewhere(block: Block) -> bool:
    """Whether the page's own test runs it."""
    return block.language in RUN_ELSEWHERE.get(block.page, ("", set()))[1]
