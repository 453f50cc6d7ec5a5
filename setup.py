"""
Makes the formula installable by pip.

The modules become a Salt extension; the SLS tree and the reclass classes go where the formulas of
this ecosystem stand: PREFIX/share/salt-formulas/env and PREFIX/share/salt-formulas/reclass/service.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
PACKAGE = "salt_formula_octavia"
SHARE = Path("share/salt-formulas")
PACKAGES = {f"{PACKAGE}.{kind}": f"_{kind}" for kind in ("modules", "states", "utils")}


def metadata(key: str) -> str:
    """
    A value of metadata.yml, read without a YAML parser: none need be there when pip builds.

    :param key: a key whose value stands on one line
    :return: the value without quotes
    :raises SystemExit: when there is no such key
    """
    text = (ROOT / "metadata.yml").read_text(encoding="utf-8")
    found = re.search(rf"^{key}:\s*['\"]?(.+?)['\"]?\s*$", text, re.MULTILINE)
    if not found:
        raise SystemExit(f"metadata.yml has no {key}: set it")
    return found.group(1)


def data_files(source: str, target: Path) -> list[tuple[str, list[str]]]:
    """
    The files below a folder, as setuptools takes them.

    :param source: folder of this repository
    :param target: where its content goes, relative to the prefix of the installation
    :return: each target folder with its files
    """
    folders: dict[Path, list[str]] = {}
    for path in sorted((ROOT / source).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            folder = target / path.parent.relative_to(ROOT / source)
            folders.setdefault(folder, []).append(path.relative_to(ROOT).as_posix())
    return [(folder.as_posix(), files) for folder, files in folders.items()]


setup(
    name="salt-formula-octavia",
    version=metadata("version"),
    description=metadata("summary"),
    long_description=(ROOT / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=list(PACKAGES),
    package_dir=PACKAGES,
    data_files=[
        *data_files("octavia", SHARE / "env/octavia"),
        *data_files("metadata/service", SHARE / "reclass/service/octavia"),
    ],
    entry_points={"salt.loader": [f"octavia = {PACKAGE}"]},
    classifiers=[
        "Environment :: OpenStack",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: System :: Installation/Setup",
    ],
)
