"""Values that nobody else should see, such as API keys, left out of what is written."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "…"
"""What takes the place of a secret."""

_NAMES = re.compile(r"(?i)key|token(?!s|izer)|secret|passw|header|auth|credential|cookie|bearer")
"""Names that promise a secret: api_key, extra_headers; not max_tokens or tokenizer."""


def is_secret(name: str) -> bool:
    """Return whether the value of this name may be a secret.

    >>> [is_secret(name) for name in ("api_key", "extra_headers", "auth_token", "max_tokens", "temperature")]
    [True, True, True, False, False]
    """
    return _NAMES.search(name) is not None


def without_secrets(value: object, name: str = "") -> object:
    """Return plain values with secrets hidden: in mappings, ``KEY=VALUE`` words and addresses, however nested.

    >>> without_secrets({"model_args": {"api_key": "hush", "region": "eu"}, "generate": ["temperature=0"]})
    {'model_args': {'api_key': '…', 'region': 'eu'}, 'generate': ['temperature=0']}
    >>> without_secrets(["extra_headers={Authorization: hush}", "http://me:hush@host:1/v1?key=hush&a=1"])
    ['extra_headers=…', 'http://…@host:1/v1?key=…&a=1']
    """
    if is_secret(name) and value not in (None, "", [], (), {}):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: without_secrets(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(one) for one in value]
    return _text(value) if isinstance(value, str) else value


def holds_secret(text: str) -> bool:
    """Return whether anything in ``text`` would be hidden."""
    return without_secrets(text) != text


def _text(text: str) -> str:
    if "://" in text and "=" not in text.partition("://")[0]:
        return _address(text)
    key, equals, value = text.partition("=")
    if equals and is_secret(key):
        return f"{key}={HIDDEN}"
    return f"{key}={_address(value)}" if equals and "://" in value else text


def _address(text: str) -> str:
    """Return an address without a user's name and password, and without secrets in its query."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return HIDDEN
    _, at, host = parts.netloc.rpartition("@")
    pairs = [_text(pair) for pair in parts.query.split("&")]
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}@{host}" if at else host, query="&".join(pairs)))
