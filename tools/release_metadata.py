"""The parts of the package's metadata that depend on the project's address, which pyproject.toml names once.

Hatch calls this when it builds: ``[tool.hatch.metadata.hooks.custom]`` in pyproject.toml has the ``repository``. While
it is empty, the package has no URLs, and its long description no links to files of the repository.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<image>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
ELSEWHERE = ("https://", "http://", "#", "mailto:")


class ReleaseMetadata(MetadataHookInterface):
    """Fill in ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what depends on the address to the metadata of pyproject.toml."""
        repository = str(self.config["repository"]).rstrip("/")
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = long_description(readme, repository, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = project_urls(repository, metadata["version"])


def project_urls(repository: str, version: str) -> dict[str, str]:
    """Return the addresses of the project by label; none without a repository."""
    if not repository:
        return {}
    files = f"{repository}/blob/v{version}"
    return {
        "Repository": repository,
        "Documentation": f"{files}/docs/index.md",
        "Changelog": f"{files}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def long_description(readme: str, repository: str, version: str) -> str:
    """Return the README with links that work outside the repository.

    Links to files become links to the release's files in the repository; without a repository, links to files become
    their words, and images go. Code is left as it is.
    """

    def absolute(link: re.Match[str]) -> str:
        image, words, target = link["image"], link["words"], link["target"]
        if target.startswith(ELSEWHERE):
            return link[0]
        if not repository:
            return "" if image else words
        return f"{image}[{words}]({repository}/{'raw' if image else 'blob'}/v{version}/{target})"

    parts = [part if part.startswith("```") else LINK.sub(absolute, part) for part in CODE.split(readme)]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))
