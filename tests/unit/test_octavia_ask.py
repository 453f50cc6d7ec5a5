"""Programs of the formula that run with another Python: what they are given, what comes back."""

import subprocess
import sys

import octavia_ask
import pytest

SECRET = "a-password-of-this-test-only"


def run(command, stdin, **settings):
    """What Salt's cmd.run_all does, as far as it matters here."""
    assert settings == {"python_shell": False, "output_loglevel": "quiet"}
    assert SECRET not in " ".join(command)
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    return {"retcode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


@pytest.fixture(name="ask")
def _ask(tmp_path):
    """Asks a program of these lines."""

    def ask(lines):
        program = tmp_path / "program.py"
        program.write_text(f"import json, sys\nquestion = json.load(sys.stdin)\n{lines}\n")
        return octavia_ask.ask(run, sys.executable, str(program), {"url": SECRET, "n": 1})

    return ask


def test_the_answer(ask):
    assert ask("print(json.dumps({'n': question['n'] + 1}))") == {"n": 2}


def test_without_an_answer_the_last_words_are_told(ask):
    with pytest.raises(octavia_ask.AskError) as caught:
        ask("for n in range(20): print(n, file=sys.stderr)\nsys.exit(3)")
    assert str(caught.value).split() == ["15", "16", "17", "18", "19"]


@pytest.mark.parametrize(("lines", "told"), [("print('hello')", "hello"), ("", "it said nothing")])
def test_what_is_no_answer(ask, lines, told):
    with pytest.raises(octavia_ask.AskError, match=told):
        ask(lines)
