"""``python -m indievalue``, for launchers that want a module."""

from indievalue.cli import main

main()
