"""The linters, as data: the one place that says what is run over which files."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files(*patterns: str) -> list[str]:
    """
    The files of the project, those that git would not ignore.

    :param patterns: globs on the whole path; without any, all files
    :return: paths below the top of the repository
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if (ROOT / name).is_file()]
    if not patterns:
        return names
    return [name for name in names if any(Path(name).match(pattern) for pattern in patterns)]


def commands() -> dict[str, list[str]]:
    """What each linter is called with, behind `python -m`; their settings are in pyproject.toml."""
    return {
        "ruff-check": ["ruff", "check", "--no-cache", "."],
        "ruff-format": ["ruff", "format", "--no-cache", "--check", "--diff", "."],
        "mypy": ["mypy", "--cache-dir=/dev/null"],
        "yamllint": ["yamllint", "--strict", *files("*.yml", "*.yaml", "FORMULA")],
        "salt-lint": ["saltlint", *files("*.sls", "*.jinja", "pillar.example")],
    }
