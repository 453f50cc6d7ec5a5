"""
Findings: what is wrong with a pillar, said in one form.

A finding is a plain dictionary (it travels through Salt's module calls) with the keys ``level``
(``error`` or ``warning``), ``path`` (the pillar path), ``value`` (shown; masked where secret),
``reason`` and ``remedy``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

ERROR = "error"
WARNING = "warning"
MASK = "(hidden)"
#: A name that ends so is that of a secret: an option's, or a key's of the pillar.
SECRET_ENDINGS = (
    "pass",
    "password",
    "passphrase",
    "secret",
    "secret_id",
    "token",
    "token_id",
    "_key",
    "connection",
    "transport_url",
    "ssl_options",
)
#: More secrets, which no ending tells.
SECRET_NAMES = frozenset({"approle_role_id", "backend_argument", "key"})
# Of these an absolute path is the name of a file, which tells nothing.
FILE_NAMES = ("private_key", "cert_key")

Finding = dict[str, str]


def finding(level: str, path: str, value: Any, reason: str, remedy: str) -> Finding:
    """
    One finding.

    :param level: ``error`` (the run stops before anything is changed) or ``warning``
    :param path: pillar path, for example ``octavia:api:bind:port``
    :param value: the offending value, None where there is none; pass :data:`MASK` for a secret
    :param reason: why it is wrong, a sentence without a full stop
    :param remedy: what to do about it, a sentence without a full stop
    :return: the finding
    """
    shown = "" if value is None else value if isinstance(value, str) else repr(value)
    return {"level": level, "path": path, "value": shown, "reason": reason, "remedy": remedy}


def error(path: str, value: Any, reason: str, remedy: str) -> Finding:
    """A finding that stops the run; the arguments are those of :func:`finding`."""
    return finding(ERROR, path, value, reason, remedy)


def warning(path: str, value: Any, reason: str, remedy: str) -> Finding:
    """A finding that is only told; the arguments are those of :func:`finding`."""
    return finding(WARNING, path, value, reason, remedy)


def errors(findings: list[Finding]) -> list[Finding]:
    """The findings among ``findings`` that stop a run."""
    return [item for item in findings if item["level"] == ERROR]


def masked(path: str, value: Any) -> Any:
    """
    A value as it may be shown.

    :param path: its pillar path, whose last name tells whether it is a secret
    :param value: the value
    :return: the value, or :data:`MASK`; mappings and lists are masked whole when any name in them
        is that of a secret
    """
    if is_secret(path.rpartition(":")[2], value) or _holds_secret(value):
        return MASK
    return value


def is_secret(name: str, value: Any = None) -> bool:
    """
    Whether the name makes a value a secret.

    :param name: name of an option, or of a key of the pillar
    :param value: its value, where it is known; a path tells nothing where the name may be that of
        a file
    :return: True for a secret
    """
    if name.endswith(FILE_NAMES) and isinstance(value, str) and value.startswith("/"):
        return False
    lower = name.lower()
    return lower in SECRET_NAMES or lower.endswith(SECRET_ENDINGS)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(
            is_secret(str(name), item) or _holds_secret(item) for name, item in value.items()
        )
    if isinstance(value, list):
        return any(_holds_secret(item) for item in value)
    if not isinstance(value, str):
        return False
    return ("://" in value and "@" in value) or "PRIVATE KEY" in value


def hidden(text: str, pillar: Any) -> str:
    """
    A text of someone else, a journal say, without the pillar's secrets.

    :param text: the text
    :param pillar: the pillar, or a part of it
    :return: the text with :data:`MASK` in place of each secret, as it is or as URLs write it
    """
    forms = {form for secret in _secrets(pillar) if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _secrets(value: Any, secret: bool = False) -> Iterator[str]:
    """Every secret in a value; all of it when its name is that of a secret."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _secrets(item, secret or is_secret(str(name), item))
    elif isinstance(value, list):
        for item in value:
            yield from _secrets(item, secret)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        if secret or "PRIVATE KEY" in text:
            # Of a key in PEM form no line may show either.
            yield from (line.strip() for line in text.splitlines() if line.strip())
        if _holds_secret(text):
            for server in text.partition("://")[2].split(","):
                yield server.rpartition("@")[0].partition(":")[2]


def _forms(secret: str) -> set[str]:
    plain = unquote(secret)
    written = {secret, plain, quote(plain, safe=""), quote(plain)}
    return {form for text in written for form in (text, text.replace("$", "$$"))}


def describe(findings: list[Finding]) -> str:
    """
    Findings as text for a state's comment, errors first.

    :param findings: what was found
    :return: one line a finding: path, value, reason, remedy
    """
    ranked = sorted(findings, key=lambda item: (item["level"] != ERROR, item["path"]))
    return "\n".join(_line(item) for item in ranked)


def _line(item: Finding) -> str:
    value = f" = {item['value']}" if item["value"] else ""
    return f"{item['level']}: {item['path']}{value}: {item['reason']}. {item['remedy']}."
