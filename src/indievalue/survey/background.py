"""Demographics from their part of a specification: groups by codes, by texts, and by codes of countries."""

from collections.abc import Mapping, Sequence

from indievalue.errors import IndievalueError
from indievalue.survey.codes import FIRST_TEXT_CODE, missing_reasons, parse_codes
from indievalue.survey.gazetteer import numeric_code
from indievalue.survey.model import Demographic, Group
from indievalue.survey.spec import Codes, DemographicSpec, GroupSpec
from indievalue.survey.template import filled


def demographic_of(spec: DemographicSpec, where: str) -> Demographic:
    """The demographic that ``spec`` describes. Raises IndievalueError, beginning with ``where`` it stands."""
    if spec.column and spec.columns:
        raise IndievalueError(f"{where} has both column and columns: keep column for names in rounds of the survey")
    columns = tuple(dict.fromkeys(spec.column.values()) if spec.column else spec.columns or [spec.id])
    places = tuple(spec.column or columns[:1])  # where codes without a place of their own are
    written = [
        group.codes if isinstance(group.codes, dict) else dict.fromkeys(places, group.codes) for group in spec.groups
    ]
    labels = [group.label for group in spec.groups]
    texts: dict[str, int] = {}
    codes: list[dict[str, tuple[int, ...]]] = [{} for _ in labels]
    for column in dict.fromkeys(column for by_column in written for column in by_column):
        cells = {at: by_column[column] for at, by_column in enumerate(written) if column in by_column}
        textual = spec.otherwise is not None or not any(_numeric(cell) for cell in cells.values())
        for at, cell in cells.items():
            try:
                codes[at][column] = _codes(cell, texts, textual=textual, countries=spec.otherwise is not None)
            except ValueError as error:
                raise IndievalueError(f"{where}, group {labels[at]!r}: {error}") from None
    groups = [
        Group(group.label, _statement(group, spec, where), by_column)
        for group, by_column in zip(spec.groups, codes, strict=True)
    ]
    _check_once(groups, texts, where)
    return Demographic(
        id=spec.id,
        name=spec.name,
        asks=spec.asks,
        columns=columns,
        groups=tuple(groups),
        template=spec.statement,
        otherwise=spec.otherwise,
        left_out=_left_out(spec.left_out, texts, where),
        missing=None if spec.missing is None else missing_reasons(spec.missing, where, largest=None),
        texts=texts,
        rounds=spec.column,
        abroad=None if spec.abroad is None else next(iter(spec.abroad.items())),
    )


def _numeric(cell: int | str) -> bool:
    try:
        return bool(parse_codes(cell))
    except ValueError:
        return False


def _codes(cell: int | str, texts: dict[str, int], *, textual: bool, countries: bool) -> tuple[int, ...]:
    """Codes of a group; those of texts are added to ``texts``, and countries' letters become their numbers."""
    if not textual or _numeric(cell) or not any(letter.isalpha() for letter in str(cell)):
        return parse_codes(cell)
    found = []
    for part in map(str.strip, str(cell).split(",")):
        if not part:
            raise ValueError(f"{cell!r} has nothing between two commas")
        country = numeric_code(part) if countries else None
        found.append(_text_code(part, texts) if country is None else texts.setdefault(part.casefold(), country))
    return tuple(found)


def _text_code(text: str, texts: dict[str, int]) -> int:
    return texts.setdefault(text.casefold(), FIRST_TEXT_CODE + len(texts))


def _check_once(groups: Sequence[Group], texts: Mapping[str, int], where: str) -> None:
    named = {code: text for text, code in texts.items()}
    first: dict[tuple[str, int], str] = {}
    for group in groups:
        for column, code in ((column, code) for column, codes in group.codes.items() for code in codes):
            other = first.setdefault((column, code), group.label)
            if code in named and other != group.label:
                raise IndievalueError(
                    f"{where}: the text {named[code]!r} is in the groups {other!r} and {group.label!r}"
                )


def _left_out(reasons: Mapping[Codes, str], texts: dict[str, int], where: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for key, reason in reasons.items():
        try:
            codes = parse_codes(key)
        except ValueError:
            text = str(key).strip()
            if text.casefold() in texts:
                raise IndievalueError(f"{where}, left_out: the text {text!r} is in a group as well") from None
            codes = (_text_code(text, texts),)
        found |= dict.fromkeys(codes, reason)
    return found


def _statement(group: GroupSpec, spec: DemographicSpec, where: str) -> str:
    if group.statement is not None:
        return group.statement
    if spec.statement is None:
        raise IndievalueError(f"demographic {spec.name}: group {group.label!r} has no statement and no template")
    try:
        return filled(spec.statement, {"group": group.label})
    except KeyError as slot:
        raise IndievalueError(f"{where}: its statement has the slot {slot}, not group") from None
    except ValueError as error:
        raise IndievalueError(f"{where}: {error}") from None
