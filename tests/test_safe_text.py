"""Nothing that a model, a survey or a file says can steer the terminal it is printed on."""

import io

import pytest
from rich.table import Table

from indievalue.cli.options import SafeConsole
from indievalue.safe_text import markdown_text, terminal_text

ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "clear": "\x1b[2J\x1b[H",
    "one-byte CSI": "\x9b31m",
    "one-byte OSC": "\x9d0;owned\x9c",
    "overwritten": "safe\rOWNED",
    "erased": "abc\x08\x08\x08",
    "reversed": "\u202egnp.exe",
}


@pytest.fixture(params=ATTACKS.values(), ids=ATTACKS)
def attack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def steering(text: str) -> list[str]:
    return [
        one for one in text if (ord(one) < 32 and one not in "\n\t") or 127 <= ord(one) < 160 or one in "\u202e\u2066"
    ]


def test_what_steers_a_terminal_is_made_visible(attack: str) -> None:
    assert steering(attack)
    assert not steering(terminal_text(attack))
    assert terminal_text("Ça va:\t日本 👩‍👩‍👧\n") == "Ça va:\t日本 👩‍👩‍👧\n"


@pytest.mark.parametrize("markup", [True, False])
def test_nothing_printed_by_a_command_steers_the_terminal(attack: str, markup: bool) -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, force_terminal=False)
    table = Table(title=attack)
    table.add_column(attack)
    table.add_row(f"cell {attack}")
    for one in (f"before {attack} after", table):
        console.print(one, markup=markup, soft_wrap=True)
    assert not steering(written.getvalue())


def test_the_consoles_own_styles_stay() -> None:
    written = io.StringIO()
    SafeConsole(file=written, force_terminal=True, color_system="standard").print("[bold red]error:[/] \x1b[2J")
    assert "\x1b[1;31merror:" in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()


def test_markdown_is_escaped(attack: str) -> None:
    assert not steering(markdown_text(attack))
    assert markdown_text("<img src=x>") == "&lt;img src=x&gt;"
