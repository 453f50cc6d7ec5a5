"""The model of tests/reclass as an inventory of reclass, and what docs/reclass.rst says to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docutils.core
import docutils.nodes
import yaml
from reclass.adapters.salt import ext_pillar

REPOSITORY = Path(__file__).resolve().parents[2]
CLASSES = REPOSITORY / "metadata" / "service"
MODEL = REPOSITORY / "tests" / "reclass"
PAGE = REPOSITORY / "docs" / "reclass.rst"
#: The file that real nodes have another one of.
ADDRESSES = "classes/cluster/addresses.yml"


def files(addresses: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    The files of the model.

    :param addresses: parameters in the place of those of its addresses
    :return: the texts by their paths
    """
    paths = sorted(MODEL.rglob("*.yml"))
    found = {str(path.relative_to(MODEL)): path.read_text(encoding="utf-8") for path in paths}
    if addresses is not None:
        found[ADDRESSES] = yaml.safe_dump({"parameters": {"_param": dict(addresses)}})
    return found


def write(folder: Path, addresses: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    Writes the model with the formula's classes into a folder.

    :param folder: an empty folder
    :param addresses: parameters in the place of those of its addresses
    :return: the settings by which Salt finds it
    """
    for name, text in files(addresses).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "classes" / "service").mkdir()
    (folder / "classes" / "service" / "octavia").symlink_to(CLASSES)
    return {"storage_type": "yaml_fs", "inventory_base_uri": str(folder)}


def pillar(settings: Mapping[str, str], node: str) -> dict[str, Any]:
    """
    The pillar of a node, by reclass alone.

    :param settings: what :func:`write` has returned
    :param node: name of the node
    :return: its pillar
    """
    return ext_pillar(node, {}, **settings)


def said(section: str) -> list[str]:
    """
    What docs/reclass.rst has people type or write.

    :param section: title of a section
    :return: its literal blocks
    """
    document = docutils.core.publish_doctree(PAGE.read_text(encoding="utf-8"))
    (found,) = (
        node
        for node in document.findall(docutils.nodes.section)
        if node.next_node(docutils.nodes.title).astext() == section
    )
    return [block.astext() + "\n" for block in found.findall(docutils.nodes.literal_block)]
