"""What the site adds to plain Markdown: generated pages, links that work in both places, and every page as text.

MkDocs calls the functions whose names begin with ``on_``. A link in a page is written for a reader of the repository;
here it is turned to the page of the site that shows the same file.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markdown.extensions.toc import slugify
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import drawings
import reference

ROOT = Path(__file__).parents[2]
OWN_PAGES = {  # files of the repository that are pages of the site
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
SHOWN_ELSEWHERE = {"README.md": "index.md", "example_dags": "examples.md", "docs/decisions": "decisions/README.md"}
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)((?:#[^)]*)?\))")
COLOURS_OF_CODE = '<style id="hljs-light"></style><style id="hljs-dark"></style>'
"""What the theme's switch of colours turns on and off, and would stop without; `style_sheet` has ours."""
texts: dict[str, str] = {}
"""The Markdown of each page as the site has it, by its place."""

FENCE = re.compile(r"^(```.*?^```[ \t]*$)", re.DOTALL | re.MULTILINE)


def on_config(config: Any) -> None:
    """Begin the id of each heading with a letter: the theme's script takes no other for its contents of a page."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = _id_of_heading


def _id_of_heading(text: str, separator: str) -> str:
    name = slugify(text, separator)
    return name if name[:1].isalpha() else f"n{separator}{name}"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made here, and the style sheet."""
    made = {target: (ROOT / source).read_text(encoding="utf-8") for source, target in OWN_PAGES.items()}
    made |= reference.pages()
    made["examples.md"] = examples()
    made["site.css"] = style_sheet()
    for place, content in made.items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links of the repository to pages of the site, and drawings to boxes."""
    own = page.file.src_uri
    text = markdown
    if own == "reference/README.md":
        text += "\n" + "\n".join(
            f"- [{section.title}]({section.name}.md): {section.about}" for section in reference.SECTIONS
        )
    if own.startswith("reference/"):
        text = re.sub(r"(?<!\[)`(\w+(?:Operator|Sensor|Contacts|Policy|Window|Hook))`", _to_reference(), text)
    pieces = FENCE.split(text)
    turned = [
        piece if piece.startswith("```") else LINK.sub(lambda link: _turned(link, own), piece) for piece in pieces
    ]
    texts[own] = "".join(turned)
    return "".join(drawings.drawn(piece) if piece.startswith("```mermaid") else piece for piece in turned)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Say under each page where its text is, and where the other versions are."""
    text = posixpath.basename(page.file.src_uri)
    up = "../" * (page.file.src_uri.count("/") + 1)
    links = (f'<a href="{text}">This page as Markdown</a>', f'<a href="{up}index.html">Other versions</a>')
    return f'{html}\n<hr><p class="callkaro-foot">{" · ".join(links)}</p>'


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Write the page's Markdown beside it."""
    place = Path(config["site_dir"], page.file.src_uri)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(texts[page.file.src_uri], encoding="utf-8")
    return output.replace("</head>", f"{COLOURS_OF_CODE}</head>", 1)


def on_post_build(config: Any) -> None:
    """Write ``llms.txt``, and the list of versions in the folder above."""
    site = Path(config["site_dir"])
    lines = [f"# {config['site_name']}\n\n> {config['site_description']}\n"]
    for group in config["nav"]:
        ((title, entries),) = group.items()
        named = [{title: entries}] if isinstance(entries, str) else entries
        lines.append(f"## {title}\n")
        lines.append("\n".join(f"- [{name}]({place})" for entry in named for name, place in entry.items()) + "\n")
    (site / "llms.txt").write_text("\n".join(lines), encoding="utf-8")
    versions = sorted((one.parent.name for one in site.parent.glob("*/index.html")), key=_by_number, reverse=True)
    listed = "\n".join(f'<li><a href="{name}/index.html">{name}</a></li>' for name in versions)
    (site.parent / "index.html").write_text(
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">\n'
        f"<title>{config['site_name']}</title>\n<h1>{config['site_name']}</h1>\n<ul>\n{listed}\n</ul>\n</html>\n",
        encoding="utf-8",
    )


def examples() -> str:
    """A page with each example DAG, its first lines as text and the rest as code."""
    parts = ["# Example DAGs\n\nEach file is run by the tests against the sandbox. Copy one and change it.\n"]
    for path in sorted((ROOT / "example_dags").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        said = text.split('"""')[1].strip().replace("``", "`")
        code = text.split('"""', 2)[2].strip()
        parts.append(f"## {path.stem}\n\n{said}\n\n```python\n{code}\n```\n")
    return "\n".join(parts)


def style_sheet() -> str:
    """The colours of code, light and dark, and the drawings."""
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".codehilite")
    dark = HtmlFormatter(style="github-dark").get_style_defs("[data-bs-theme=dark] .codehilite")
    return f"{light}\n{dark}\n{drawings.STYLE}"


def _turned(link: re.Match[str], own: str) -> str:
    before, target, after = link.groups()
    repository = next((source for source, made in OWN_PAGES.items() if made == own), f"docs/{own}")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(repository), target))
    site, anchor = SHOWN_ELSEWHERE.get(place) or OWN_PAGES.get(place), after
    if site is None and place.startswith("example_dags/"):
        site, anchor = "examples.md", f"#{Path(place).stem}{after[-1]}"
    if site is None and place.startswith("docs/"):
        site = place.removeprefix("docs/")
    if site is None:
        raise ValueError(f"{own}: no page of the site shows {place}")
    return f"{before}{posixpath.relpath(site, posixpath.dirname(own) or '.')}{anchor}"


def _to_reference() -> Callable[[re.Match[str]], str]:
    """What turns the name of a class into a link to its place in the reference."""
    places = {
        name: section.name
        for section in reference.SECTIONS
        for module in section.modules
        for name, _ in reference.public_names(module)
    }

    def link(found: re.Match[str]) -> str:
        name = found[1]
        return f"[`{name}`]({places[name]}.md#{name.lower()})" if name in places else found[0]

    return link


def _by_number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
