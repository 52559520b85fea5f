"""What makes a survey spec sound: codes in exactly one option, options in order, statements a person would say."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from indievalue.choices import FORMS
from indievalue.survey.codes import code_text, format_codes
from indievalue.survey.model import Demographic, Question, Sampling

LONGEST_STATEMENT = 60
"""Words. Longer ones are not one natural sentence any more."""

MOST_OPTIONS = 26
"""A prompt names each option by a letter."""

_SPEAKER = re.compile(r"\b(I|(?i:me|my|myself|mine|we|our|us))\b")
_SPEAKERS = {
    "en": _SPEAKER,
    "fr": re.compile(r"\b(je|me|moi|mon|ma|mes|nous|notre|nos)\b|\b[jm]['’]", re.IGNORECASE),
    "de": re.compile(r"\b(ich|mich|mir|mein\w*|wir|uns|unser\w*)\b", re.IGNORECASE),
}
"""Words of a speaker, of languages that name one in each sentence; others, such as Spanish, tell it by the verb."""

_ENDS, _QUESTION_ENDS = (".", "。", "।", "۔", "።"), ("?", "؟", "？", ";")
"""Ends of a sentence and of a question in the world's scripts."""

_NEGATION = re.compile(r"\b(not|never|no one|nobody|none|neither|cannot|nothing)\b|\w+n't\b", re.IGNORECASE)
_ALLOWED_PAIRS = re.compile(r"\bneither\b.*\bnor\b|\bnever or almost never\b", re.IGNORECASE)


def problems(
    missing: Mapping[int, str],
    categories: Sequence[str],
    questions: Sequence[Question],
    demographics: Sequence[Demographic],
    inequity: Sequence[str] = (),
    sampling: Sampling | None = None,
    reserved: tuple[int, int] | None = None,
) -> list[str]:
    """Everything that is wrong, one line each, with the place in front; empty where all is sound.

    The codes ``reserved`` for questions that were not asked and for empty cells are an option of no question.
    """
    found: list[str] = []
    found += _repeated("question id", (question.id for question in questions))
    found += _repeated("demographic name", (demographic.name for demographic in demographics))
    found += _repeated("demographic id", (demographic.id for demographic in demographics))
    found += [
        f"category {name!r} has no question" for name in categories if name not in {q.category for q in questions}
    ]
    found += _sampling_problems(sampling or Sampling(), questions, {demographic.name for demographic in demographics})
    absent = [name for name in inequity if name not in {demographic.name for demographic in demographics}]
    found += [f"inequity names {name!r}, which is no demographic" for name in absent]
    for question in questions:
        barred = missing if question.missing is None else question.missing
        found += [f"{question.id}: {problem}" for problem in _question_problems(question, barred, categories)]
        found += [f"{question.id}: {problem}" for problem in _reserved_problems(question, missing, reserved)]
    for demographic in demographics:
        found += [f"{demographic.name}: {problem}" for problem in _demographic_problems(demographic, missing)]
        if demographic.abroad and demographic.abroad[0] not in {other.columns[0] for other in demographics}:
            found.append(
                f"{demographic.name}: abroad names {demographic.abroad[0]!r}, the first column of no demographic"
            )
    return found


def _sampling_problems(sampling: Sampling, questions: Sequence[Question], demographics: set[str]) -> list[str]:
    """Demographics that are none, and more answered probes than a setup has."""
    named = {"continent": sampling.continent, "religion": sampling.religion}
    found = [
        f"sampling names {name!r} as its {role}, which is no demographic"
        for role, name in named.items()
        if name is not None and name not in demographics
    ]
    sizes = Counter(question.category for question in questions).values()
    probes = sum(min(sampling.per_category, size) for size in sizes)
    if sampling.answered_probes > probes:
        found.append(
            f"sampling: answered_probes is {sampling.answered_probes}, and a setup has {probes} "
            f"probe{'' if probes == 1 else 's'} ({sampling.per_category} of each category): give a smaller number, "
            "or a larger per_category"
        )
    return found


def wording_problems(
    questions: Sequence[Question], demographics: Sequence[Demographic], language: str = "en"
) -> list[str]:
    """What is wrong with the sentences of a survey, one line each, with the place in front."""
    ends = "?" if language == "en" else _QUESTION_ENDS
    found: list[str] = []
    items: list[tuple[str, Question | Demographic]] = [(question.id, question) for question in questions]
    items += [(demographic.name, demographic) for demographic in demographics]
    for name, item in items:
        if not item.asks.endswith(ends):
            found.append(f"{name}: what it asks is no question: {item.asks!r}")
        for statement in _statements(item):
            found += [f"{name}: {problem}" for problem in statement_problems(statement, language)]
    return found


def _statements(item: Question | Demographic) -> list[str]:
    if isinstance(item, Demographic):
        return [group.statement for group in item.groups]
    return [option.statement for form in FORMS for option in item.options(form)]


def statement_problems(statement: str, language: str = "en") -> Iterator[str]:
    """What keeps ``statement`` from being one clear first-person sentence, as far as it can be told of a language."""
    quoted = repr(statement)
    if "{" in statement or "}" in statement:
        yield f"a placeholder is left in {quoted}"
    if not statement[:1].isupper() if language == "en" else statement[:1].islower():
        yield f"no capital at the start of {quoted}"
    if not statement.endswith("." if language == "en" else _ENDS) or re.search(r"[.!?] [A-Z]", statement[:-1]):
        yield f"{quoted} is not one sentence that ends in a period"
    if "  " in statement or statement != statement.strip():
        yield f"stray spaces in {quoted}"
    if language in _SPEAKERS and not _SPEAKERS[language].search(statement):
        yield f"{quoted} is not said in the first person"
    if len(statement.split()) > LONGEST_STATEMENT:
        yield f"{quoted} is longer than {LONGEST_STATEMENT} words"
    if language == "en" and len(_NEGATION.findall(statement)) > 1 and not _ALLOWED_PAIRS.search(statement):
        yield f"a double negative in {quoted}"


def _question_problems(question: Question, missing: Mapping[int, str], categories: Sequence[str]) -> Iterator[str]:
    if question.category not in categories:
        yield f"its category {question.category!r} is not one of the survey's"
    covered: dict[str, set[int]] = {}
    for form in FORMS:
        options = question.options(form)
        if len(options) < 2:
            yield f"{form} has fewer than two options"
        if len(options) > MOST_OPTIONS:
            yield f"{form} has {len(options)} options; there are letters for {MOST_OPTIONS}"
        codes = [code for option in options for code in option.codes]
        covered[form] = set(codes)
        yield from _codes_problems(form, codes, missing, question.left_out or {})
        if question.ordered and question.codes_in_order and codes != sorted(codes):
            yield (
                f"{form}: the options do not follow the order of the codes; say ordered: false if they are no scale, "
                "or ordered: as written if they are one in this order"
            )
        yield from _repeated(f"{form} statement", (option.statement for option in options))
    yield from _missing_problems(question.missing or {}, question.left_out or {})
    if covered["polar"] != covered["refined"]:
        difference = format_codes(covered["polar"] ^ covered["refined"])
        yield f"code {difference} is in an option of one form and not of the other"
    if question.ordered and not question.codes_in_order:
        yield from _direction_problems(question)
    for fine in question.refined:
        if not any(set(fine.codes) <= set(broad.codes) for broad in question.polar):
            yield f"the refined option {format_codes(fine.codes)} lies across two polar options"


def _direction_problems(question: Question) -> Iterator[str]:
    """Where the scale's steps stand in another order in one form than in the other."""
    place = {code: at for at, option in enumerate(question.polar) for code in option.codes}
    steps = [place[code] for option in question.refined for code in option.codes if code in place]
    if steps != sorted(steps):
        yield "the refined options run in another order than the polar ones; write a scale from one end to the other"


def _reserved_problems(
    question: Question, missing: Mapping[int, str], reserved: tuple[int, int] | None
) -> Iterator[str]:
    """What is wrong with what stands for no answer at all: the codes of a blank and of what was not asked."""
    codes = {code for form in FORMS for option in question.options(form) for code in option.codes}
    if reserved and question.missing is not None:
        not_asked, blank = reserved
        if not_asked in codes:
            yield f"code {not_asked} is an option, and the survey's code of a question that was not asked"
        if question.blank is None and blank in codes:
            yield f"code {blank} is an option, and the survey's code of empty cells; give it a blank: of its own"
    if question.blank is not None and question.blank not in {**missing, **(question.missing or {})}:
        yield f"blank: {code_text(question.blank)} is not among the missing codes; add it to missing with its reason"


def _demographic_problems(demographic: Demographic, missing: Mapping[int, str]) -> Iterator[str]:
    if not demographic.groups and demographic.otherwise is None:
        yield "it has no group"
    yield from _repeated("label", (group.label for group in demographic.groups))
    yield from _repeated("statement", (group.statement for group in demographic.groups))
    for group in demographic.groups:
        unknown = set(group.codes) - set(demographic.rounds or demographic.columns)
        if unknown:
            among = "rounds" if demographic.rounds else "columns"
            yield f"group {group.label!r} has codes for {', '.join(sorted(unknown))}, which is not among its {among}"
    barred = missing if demographic.missing is None else demographic.missing
    for column in demographic.rounds or demographic.columns:
        codes = [code for group in demographic.groups for code in group.codes.get(column, ())]
        yield from _codes_problems(column, codes, barred, demographic.left_out or {})
    yield from _missing_problems(demographic.missing or {}, demographic.left_out or {})


def _missing_problems(own: Mapping[int, str], left_out: Mapping[int, str]) -> Iterator[str]:
    both = sorted(set(own) & set(left_out))
    if both:
        yield f"code {code_text(both[0])} is both missing and left out; keep one of the two"


def _codes_problems(
    where: str, codes: Sequence[int], missing: Mapping[int, str], left_out: Mapping[int, str]
) -> Iterator[str]:
    twice = [code for code, times in Counter(codes).items() if times > 1]
    if twice:
        yield f"{where}: code {format_codes(twice)} is in two options"
    if set(codes) & set(missing):
        yield (
            f"{where}: code {format_codes(set(codes) & set(missing))} is a missing code and an option; where it is "
            "missing in other questions only, give this one a `missing:` of its own"
        )
    if set(codes) & set(left_out):
        yield f"{where}: code {format_codes(set(codes) & set(left_out))} is left out and in an option"


def column_problems(questions: Sequence[Question], rounds: Iterable[str]) -> list[str]:
    """Rounds that there are not, and columns that two questions read, so that one answer would be counted twice."""
    known = list(rounds)
    found = [
        f"{question.id}: its column is of the round {name!r}, which is none of the survey's `rounds` "
        f"({', '.join(known) or 'there are none'})"
        for question in questions
        for name in question.rounds or ()
        if name not in known
    ]
    readers: defaultdict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        own = (question.rounds or {}).items()
        for place in own or [(name, column) for name in known or [""] for column in question.data_columns]:
            readers[place].append(question)
    return found + [
        f"{several[0].id} and {several[1].id} both read the column {column}: give each its own, or a `where:` that "
        "tells who was asked which"
        for (_, column), several in readers.items()
        if len({question.id for question in several}) > 1 and any(not question.where for question in several)
    ]


def round_problems(demographics: Sequence[Demographic], weight: object, rounds: Iterable[str]) -> list[str]:
    """Rounds that the demographics or the weight name, and the survey has not."""
    known = list(rounds)
    named = {demographic.name: list(demographic.rounds or ()) for demographic in demographics}
    if isinstance(weight, Mapping):
        named["weight"] = list(weight)
    return [
        f"{place}: its column is of the round {name!r}, which is none of the survey's `rounds` "
        f"({', '.join(known) or 'there are none'})"
        for place, names in named.items()
        for name in names
        if name not in known
    ]


def _repeated(what: str, values: Iterable[str]) -> list[str]:
    return [f"{what} {value!r} occurs {times} times" for value, times in Counter(values).items() if times > 1]
