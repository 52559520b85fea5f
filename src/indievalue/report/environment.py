"""The templates of pages, with the functions and filters that they use."""

from jinja2 import Environment, PackageLoader, StrictUndefined

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
