"""The templates of pages, with the functions and filters that they use."""

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from indievalue.report.figures.inequity import sigma_tip
from indievalue.report.figures.lettering import breakable
from indievalue.report.numbers import over, signed
from indievalue.report.tips import accuracy_tip, difference_tip


def page_environment() -> Environment:
    """Return the environment in which pages are rendered."""
    environment = Environment(
        loader=PackageLoader("indievalue.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    environment.globals.update(
        accuracy_tip=accuracy_tip, sigma_tip=sigma_tip, difference_tip=difference_tip, signed=signed, over=over
    )
    return environment


def page_template(name: str, **functions: Callable[..., Any]) -> Template:
    """Return the template of a page, which may call ``functions``, too. All pages of a process compile it only once."""
    return _compiled().get_template(name, globals=functions)


@cache
def _compiled() -> Environment:
    return page_environment()
