"""Render Sphinx roles in docstrings as code on mkdocstrings pages: ``:func:`x``` becomes ```x```."""

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|mod):`~?([^`]+)`")


class DocstringRoles(griffe.Extension):  # type: ignore[misc]
    """Griffe extension, named in mkdocs.yml."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Replace every role in the docstring of ``obj``."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)
