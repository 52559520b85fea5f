"""Individualistic value reasoning: from survey answers to value-expressing statements to scored predictors.

The public names are those of ``__init__.pyi``. Each is imported when it is first used, so that ``import indievalue``
and ``indievalue --help`` stay fast.
"""

from importlib.metadata import version

import lazy_loader

from indievalue.telemetry import turn_off

turn_off()
del turn_off

__version__ = version("indievalue")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
