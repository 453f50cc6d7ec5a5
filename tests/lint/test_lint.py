"""What can be told from the files alone: style, types, documentation, nothing of a workplace."""

from __future__ import annotations

import ast
import importlib
import ipaddress
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import docutils.core
import docutils.nodes
import linters
import pytest
import yaml
from linters import ROOT, files

COMMANDS = linters.commands()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tool_finds_nothing(name):
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[name]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_of_git_run_each_of_them():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = config["repos"]
    hooks = {hook["id"]: hook["entry"] for hook in local["hooks"]}
    assert local["repo"] == "local"
    assert hooks.pop("make-lint") == "make lint"
    assert hooks == {name: f"python3 -m tests.lint {name}" for name in COMMANDS}


def test_a_linter_by_itself_ends_as_the_tool_does(monkeypatch, capfd):
    monkeypatch.syspath_prepend(str(ROOT))
    runner = importlib.import_module("tests.lint.__main__")
    monkeypatch.setattr(runner.environments, "python", lambda _: Path(sys.executable))
    assert runner.main(["ruff-check"]) == 0
    program = ["ruff", "check", "--no-such-option"]
    monkeypatch.setattr(runner.linters, "commands", lambda: {"ruff-check": program})
    assert runner.main([]) != 0
    capfd.readouterr()
    assert runner.main(["rufff"]) == 2
    assert "no linter is called rufff; use ruff-check" in capfd.readouterr().out


# -- reStructuredText -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", files("*.rst"))
def test_a_page_is_valid(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    settings = {"report_level": 5, "halt_level": 5}
    document = docutils.core.publish_doctree(text, name, settings_overrides=settings)
    problems = document.findall(docutils.nodes.system_message)
    assert [problem.astext() for problem in problems] == []
    links = [node.get("refuri", "") for node in document.findall(docutils.nodes.reference)]
    local = [link.partition("#")[0] for link in links if not urlsplit(link).scheme]
    assert [
        link for link in local if link and not (ROOT / name).parent.joinpath(link).exists()
    ] == []


# -- what belongs to a workplace ------------------------------------------------------------------

TEXTS = [name for name in files() if name != "tests/lint/test_lint.py"]
DEVELOPER = re.compile(
    r"(?<![\w.$}>-])/(?:work|home|Users|mnt|workspace|builds)/[\w.-]"
    r"|/opt/(?:pypi|wheels)|\.pyenv|\.local/share|[A-Z]:\\Users"
)
REGISTRY = re.compile(
    r"(?i)\b(?:pypi\.(?:org|python)|files\.pythonhosted|(?:deb|security|ftp\.?\w*|httpredir)\.debian"
    r"|(?:archive|ports)\.ubuntu|docker\.io|quay\.io|ghcr\.io|npmjs|rubygems|proxy\.golang|crates\.io"
    r"|nexus|artifactory|devpi)"
)
URL = re.compile(r"\b(?:https?|ftp)://([^\s/\"'`<>|)}\]\\]+)")
#: Hosts of pages that a reader may open, and names that RFC 2606 keeps for examples.
PUBLIC = {
    *("www.apache.org", "github.com", "docs.openstack.org", "docs.saltproject.io"),
    *("releases.openstack.org", "reclass.pantsfullofunix.net", "kitchen.ci"),
}
EXAMPLES = re.compile(r"(?:^|\.)(?:example(?:\.(?:org|com|net))?|test|invalid|localhost)$")


def lines(name: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers; none of a binary one."""
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    yield from enumerate(text.splitlines(), 1)


def is_public(authority: str) -> bool:
    """Whether anyone may know the host of a URL."""
    host = authority.rpartition("@")[2].split(":")[0].lower()
    if not host.replace(".", "").isascii() or "." not in host or host.startswith(("[", "{")):
        # Addresses in brackets, placeholders, and names without a domain.
        return True
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return host in PUBLIC or bool(EXAMPLES.search(host)) or bool(re.fullmatch(r"[\d.]+", host))


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine():
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in TEXTS
        for number, line in lines(name)
        if DEVELOPER.search(line) or REGISTRY.search(line)
    ]
    assert found == []


def test_every_url_is_public_or_an_example():
    found = [
        f"{name}:{number}: {authority}"
        for name in TEXTS
        for number, line in lines(name)
        for authority in URL.findall(line)
        if not is_public(authority)
    ]
    assert found == []


# -- the version -----------------------------------------------------------------------------------

#: Where it stands besides metadata.yml, since what reads it there reads nothing else.
VERSIONS = {
    "_utils/octavia_version.py": r'^VERSION = "(.+)"$',
    "octavia/parameters/version.yaml": r"^version: '(.+)'$",
    "debian/changelog": r"\A[a-z-]+ \((.+)\)",
    "CHANGELOG.rst": r"^(\d\S+?),? .*\n=+$",
}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_is_that_of_the_metadata(name):
    metadata = yaml.safe_load((ROOT / "metadata.yml").read_text(encoding="utf-8"))
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.search(VERSIONS[name], text, re.MULTILINE)
    assert found
    assert found[1] == metadata["version"]


def test_the_formula_file_is_the_metadata():
    assert (ROOT / "FORMULA").resolve() == ROOT / "metadata.yml"


# -- documentation --------------------------------------------------------------------------------


def functions(pattern: str) -> list[tuple[str, ast.FunctionDef]]:
    """The public functions of some modules, each with the name by which Salt knows the module."""
    return [
        (Path(name).stem, node)
        for name in files(pattern)
        for node in ast.parse((ROOT / name).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def undocumented(function: ast.FunctionDef, text: str) -> list[str]:
    """What a docstring does not tell: arguments, the result."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if arguments.vararg:
        named.append(arguments.vararg)
    wanted = [f":param {argument.arg}:" for argument in named]
    return [word for word in (*wanted, ":return:") if word not in text]


MODULES, STATES = functions("_modules/*.py"), functions("_states/*.py")


@pytest.mark.parametrize(
    ("module", "function"), MODULES, ids=[f"{name}.{node.name}" for name, node in MODULES]
)
def test_an_execution_function_is_documented(module, function):
    text = ast.get_docstring(function) or ""
    assert undocumented(function, text) == []
    example = text.partition("CLI Example:\n\n.. code-block:: bash\n\n")[2]
    assert re.search(rf"salt-call .*\b{module}\.{function.name.rstrip('_')}\b", example)


@pytest.mark.parametrize(
    ("module", "function"), STATES, ids=[f"{name}.{node.name}" for name, node in STATES]
)
def test_a_state_function_is_documented(module, function):
    text = ast.get_docstring(function) or ""
    assert undocumented(function, text) == []
    # Salt itself calls mod_watch.
    example = text.partition(".. code-block:: yaml\n\n")[2]
    assert function.name == "mod_watch" or f"{module}.{function.name}:" in example


@pytest.mark.parametrize("name", files("_modules/*.py", "_states/*.py", "_utils/*.py"))
def test_what_is_public_has_a_docstring(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    places = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    kinds = (ast.FunctionDef, ast.ClassDef)
    silent = [
        node.name
        for place in places
        for node in place.body
        if isinstance(node, kinds) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert silent == []
    assert ast.get_docstring(tree)


def test_the_architecture_names_every_module():
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    named = set(re.findall(r"\bocta[a-z0-9_]+", page))
    modules = {Path(name).stem for name in files("_modules/*.py", "_states/*.py", "_utils/*.py")}
    assert modules - named == set()
