"""Start the engine that renders figures, which takes a third of a second, while something else is going on."""

from threading import Thread


def start_vega() -> None:
    """Start the engine in the background; figures rendered in the meantime wait for it."""
    # No daemon: a process must not exit while the engine is starting.
    Thread(target=_render_nothing, name="vega").start()


def _render_nothing() -> None:
    import vl_convert

    # Without a version, it is the latest that vl-convert has, which Altair writes, too.
    vl_convert.vegalite_to_svg({"data": {"values": []}, "mark": "point"}, allowed_base_urls=[])
