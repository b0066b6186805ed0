"""What of the package's metadata depends on the repository's address: the project's links, and those of README.

The address stands once, as ``repository`` in ``[tool.hatch.metadata.hooks.custom]`` of ``pyproject.toml``. A package
index shows README without the files beside it, so a link to one of them becomes an absolute one to the tag of this
version. While there is no address, the package names none, and such a link is left as its text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK_TO_A_FILE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Fills in ``readme`` and ``urls``, while a wheel or an sdist is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what is missing to the ``[project]`` table."""
        root = Path(self.root)
        repository = self.config.get("repository", "").rstrip("/")
        package = (root / "airflow_provider_callkaro" / "__init__.py").read_text(encoding="utf-8")
        version = re.search(r'^__version__ = "([^"]+)"', package, re.MULTILINE)
        readme = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": without_relative_links(readme, repository=repository, tag=f"v{version[1]}" if version else "main"),
        }
        metadata["urls"] = links(repository, documentation=self.config.get("documentation", ""))


def links(repository: str, *, documentation: str) -> dict[str, str]:
    """The project's links; none without an address.

    :param repository: the repository's address, without a slash at its end.
    :param documentation: the address of the documentation; by default the folder in the repository.
    """
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": documentation or f"{repository}/tree/main/docs",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def without_relative_links(page: str, *, repository: str, tag: str) -> str:
    """A page whose links lead somewhere wherever it is shown.

    :param repository: the repository's address; empty: each link to a file becomes its text.
    :param tag: which version of the files is linked.
    """

    def absolute(link: re.Match[str]) -> str:
        image, text, path = link.groups()
        if not repository:
            return text
        return f"{image}[{text}]({repository}/{'raw' if image else 'blob'}/{tag}/{path})"

    return LINK_TO_A_FILE.sub(absolute, page)
