"""Why a call of a chat model has no answer: in the server's own words, whether to go on, and what mends it."""

import re
from collections.abc import Iterator

from inspect_ai.model import ModelOutput

_FINAL = {400, 401, 402, 403, 404, 405, 409, 413, 422}
"""HTTP statuses with which a server turns a request down for good."""

_ECHO = 24
"""A reason that repeats this many characters of the prompt is cut there."""

_MOST = 400
"""Characters of a server's reason that are shown."""

_LENGTH = r"context.?(length|window)|maximum context|too long|too many tokens|max_model_len|string_above_max_length"
_FILTER = r"content.?(filter|policy|management)|safety (system|polic)|invalid_prompt|responsible.?ai"

_ABOUT_PROMPT = {_LENGTH: "show fewer --demonstrations, or leave such prompts out with --skip-failed"} | {
    _FILTER: "leave such prompts out with --skip-failed"
}
"""What a server writes about one prompt, which others need not share, and what mends it."""

_HINTS = {
    r"temperature": "leave the temperature out with --generate temperature=null",
    r"max_completion_tokens.{0,80}instead|'max_tokens'.{0,40}not supported": (
        "leave max_tokens out with --generate max_tokens=null, or name the model as openai/NAME, which sends "
        "max_completion_tokens"
    ),
    r"max_completion_tokens": "leave max_tokens out with --generate max_tokens=null",
    r"top_logprobs|log.?prob": "leave the log-probabilities out: no --generate logprobs or top_logprobs",
    r"model.{0,80}(not (exist|found)|unknown)|unknown model|no such model|model_not_found": (
        "check the model's name after PROVIDER/"
    ),
    r"insufficient_quota|quota|billing|credit": "check the account's credit and limits",
    r"seed": "leave the seed out: no --generate seed",
    r"reasoning": "leave out --generate reasoning_effort and reasoning_tokens",
}
"""What a server writes, and the option that mends it."""

_BY_STATUS = {
    401: "check the API key",
    402: "check the account's credit and limits",
    403: "check the API key and what it may use",
    404: "check --base-url, and the model's name after PROVIDER/",
    405: "check --base-url",
    413: "show fewer --demonstrations, or leave such prompts out with --skip-failed",
}


class NoAnswerError(RuntimeError):
    """A call has no answer.

    Attributes:
        reason: the server's own words, on one line, without any of the prompt's. hint: what mends it, or "".
        final: whether it is of no use to send the request again.
        about_prompt: whether it is this prompt that the server does not take, and not the request as such.
    """

    def __init__(self, reason: str, hint: str = "", *, final: bool = False, about_prompt: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.hint, self.final, self.about_prompt = reason, hint, final, about_prompt

    def sentence(self) -> str:
        """Return the reason and what mends it."""
        return f"{self.reason}; {self.hint}" if self.hint else self.reason


def failure_of(error: Exception, prompt: str) -> NoAnswerError:
    """Return why a call that ended with ``error`` has no answer."""
    if isinstance(error, NoAnswerError):
        return error
    cause = _cause(error)
    status, words = _status(cause), _words(cause)
    said = plain(words, prompt)
    reason = f"the server answers {status}: {said}" if status else said
    if refused(cause):
        where = "no server answers there: the connection is refused or the host is unknown"
        return NoAnswerError(where, "start it, or check --base-url", final=True)
    hint, about_prompt = _hint(f"{words} {getattr(cause, 'code', '')}", status)
    final = status in _FINAL or out_of_quota(cause)
    return NoAnswerError(reason, hint if final else "", final=final, about_prompt=final and about_prompt)


def kind_of(error: Exception) -> str:
    """Return what kind of failure this is, in words that repeat nothing of the prompt."""
    status = _status(_cause(error))
    return f"the server answers {status}" if status else f"the connection fails ({type(_cause(error)).__name__})"


def check_output(output: ModelOutput, prompt: str) -> None:
    """Raise NoAnswerError if ``output`` is no answer of the model.

    Inspect turns a server's refusal of a prompt (its length, a content filter) into an output with the server's words
    as the model's; unlike an answer it has no usage.
    """
    if not output.choices:
        raise NoAnswerError(f"the server's answer has no choices{f': {plain(output.error)}' if output.error else ''}")
    if output.usage is None and output.stop_reason in ("model_length", "content_filter"):
        words = output.choices[0].message.text
        kind = _LENGTH if output.stop_reason == "model_length" else _FILTER
        reason = f"the server does not take a prompt: {plain(words, prompt)}"
        raise NoAnswerError(reason, _ABOUT_PROMPT[kind], final=True, about_prompt=True)


def refused(error: BaseException) -> bool:
    """Return whether nothing listens at the server's address."""
    return any(isinstance(one, ConnectionRefusedError) or _UNREACHABLE.search(str(one)) for one in _chain(error))


_UNREACHABLE = re.compile(
    r"All connection attempts failed|Connection refused|Name or service not known|nodename nor servname"
    r"|Temporary failure in name resolution|No address associated"
)


def out_of_quota(error: BaseException) -> bool:
    """Return whether the account is used up, as opposed to asked too often."""
    said = f"{getattr(error, 'code', '')} {_words(error)}"
    return _status(error) in (402, 429) and bool(re.search(r"insufficient_quota|exceeded your current quota", said))


def unreadable(error: NoAnswerError | Exception) -> bool:
    """Return whether the server answered something that is no answer, which Inspect does not ask for again."""
    if isinstance(error, NoAnswerError):
        return not error.final
    cause = _cause(error)
    about = f"{type(cause).__name__} {type(error).__name__}"
    return _status(cause) is None and not re.search("Connect|Timeout|Retry|ResponseError", about)


def plain(error: object, prompt: str = "") -> str:
    """Return an error on one line: no markup, nothing of a page but its words, and none of ``prompt``."""
    text = str(error)
    if re.search(r"<!doctype|<html", text, re.IGNORECASE):
        page = re.sub(r"<(script|style).*?</\1>|<[^>]*>|\\n", " ", text, flags=re.IGNORECASE | re.DOTALL)
        text = f"a web page instead of an answer: {page}"
    text = re.sub(r"\[/?[a-z ]+\]", "", text)
    text = " ".join(re.sub(r"\\[nrt]", " ", text).split()).removeprefix("ERROR: ")
    return _without(text[: 4 * _MOST], prompt)[:_MOST] or type(error).__name__


def _without(text: str, prompt: str) -> str:
    """Return ``text`` up to where it repeats the prompt."""
    asked = " ".join(prompt.split())
    for start in range(len(text) - _ECHO + 1):
        if text[start : start + _ECHO] in asked:
            return f"{text[:start].rstrip()} …"
    return text


def _hint(words: str, status: int | None) -> tuple[str, bool]:
    """Return what mends a failure, and whether it is about one prompt."""
    for pattern, hint in _ABOUT_PROMPT.items():
        if re.search(pattern, words, re.IGNORECASE):
            return hint, True
    for pattern, hint in _HINTS.items():
        if re.search(pattern, words, re.IGNORECASE):
            return hint, False
    return _BY_STATUS.get(status or 0, ""), status == 413


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what caused it; Inspect and tenacity wrap what providers raise."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        last = getattr(at, "last_attempt", None)
        at = last.exception() if last is not None else at.__cause__ or at.__context__


def _cause(error: BaseException) -> BaseException:
    """Return the provider's own exception: the first that is not a wrapper, which would hold the request."""
    chain = list(_chain(error))
    own = [one for one in chain if type(one).__name__ not in ("RetryError", "ModelGenerateError")]
    return own[0] if own else chain[-1]


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return status if isinstance(status, int) else None


def _words(error: BaseException) -> str:
    body = getattr(error, "body", None)
    while isinstance(body, dict):
        inner = body.get("error") or body.get("message") or body.get("detail")
        if inner is None:
            break
        body = inner
    return body if isinstance(body, str) and body.strip() else str(error) or type(error).__name__
