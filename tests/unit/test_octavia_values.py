"""Values for octavia.conf, held against the real oslo.config."""

import json
import string
import tempfile

import generate
import octavia_schema as schema
import octavia_values as values
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oslo_reader import REAL_TYPES, read_file, real_type

#: Text with all that oslo.config treats in a special way, and some that it does not.
TRICKY = st.text(st.sampled_from("$\\\"' \t,:=#;%{}[]()ab_1é😀\u2028\x0b\x85\xa0"))
ANY_TEXT = TRICKY | st.text(st.sampled_from("a$, \n\r\0\ud800"), max_size=4)

# A busy machine is no reason to fail.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def read(option, lines, command_line=False):
    """What oslo.config reads from these lines, or None where there is no line."""
    return read_all({"section": {"name": (option, lines)}}, command_line)["section"]["name"]


def read_all(sections, command_line=False):
    """What oslo.config reads from a file with these sections: {section: {name: (option, lines)}}"""
    written = ""
    for section, options in sections.items():
        written += f"[{section}]\n"
        for name, (_, lines) in options.items():
            written += "".join(f"{name} = {line}\n" for line in lines)
    eras = {
        section: {name: option for name, (option, _) in options.items()}
        for section, options in sections.items()
    }
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as file:
        file.write(written)
        file.flush()
        return read_file(file.name, eras, command_line)


def accepts(option, value):
    """Whether oslo.config takes the text as a value of the option."""
    try:
        real_type(option)(value)
    except ValueError:
        return False
    return True


class TestReadBack:
    """What is written is what oslo.config reads."""

    @given(ANY_TEXT)
    @example("")
    @example("$name ${name} $$ \\$ \\\\$x \\$$")
    @example('"quoted"')
    @example("'")
    @example(" blanks ")
    @example("# no comment ; either")
    @example("50% %(name)s")
    def test_text(self, value):
        option = {"type": "string"}
        if values.problem(option, value) is None:
            assert read(option, values.text(option, value)) == value
        else:
            assert set(value) & {"\n", "\r", "\0"} or not accepts_utf8(value)

    @given(TRICKY)
    def test_text_of_an_option_that_is_also_on_the_command_line(self, value):
        option = {"type": "string"}
        assert read(option, values.text(option, value), command_line=True) == value

    @given(st.lists(ANY_TEXT))
    @example([""])
    @example(["a", ""])
    @example(["'a", "b'"])
    def test_list(self, value):
        option = {"type": "list"}
        if values.problem(option, value) is None:
            assert read(option, values.text(option, value)) == value

    @given(st.lists(st.text(string.ascii_letters + "$\"'\\#;: =", min_size=1).map(str.strip)))
    def test_list_of_ordinary_items(self, value):
        value = [item for item in value if item]
        option = {"type": "list"}
        assert values.problem(option, value) is None
        assert read(option, values.text(option, value)) == value

    @given(st.dictionaries(ANY_TEXT, ANY_TEXT))
    @example({"a": ""})
    @example({"a": "b:c"})
    def test_dict(self, value):
        option = {"type": "dict"}
        if values.problem(option, value) is None:
            assert read(option, values.text(option, value)) == value

    @given(st.lists(ANY_TEXT, min_size=1))
    def test_multi(self, value):
        option = {"type": "multi"}
        if values.problem(option, value) is None:
            lines = values.text(option, value)
            assert len(lines) == len(value)
            assert read(option, lines) == value

    @given(st.integers())
    def test_integer(self, value):
        option = {"type": "integer"}
        assert read(option, values.text(option, value)) == value
        assert read(option, values.text(option, str(value))) == value

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
    def test_float(self, value):
        option = {"type": "float"}
        assert read(option, values.text(option, value)) == value

    @pytest.mark.parametrize("value", [True, False])
    def test_boolean(self, value):
        assert read({"type": "boolean"}, values.text({"type": "boolean"}, value)) is value

    def test_list_of_numbers(self):
        option = {"type": "list", "item_type": "integer"}
        assert read(option, values.text(option, [502, "503"])) == [502, 503]
        assert read(option, values.text(option, 502)) == [502]

    @pytest.mark.parametrize("release", ["ocata", "zed", "2026.2"])
    def test_a_file_of_all_defaults(self, release):
        data = json.loads(generate.DATA.read_text(encoding="utf-8"))
        written, expected = {}, {}
        for section, options in schema.view(data, release).items():
            for name, option in options.items():
                default = option.get("default")
                # Without a default there is nothing to write, nor for an empty multi option.
                if default is None or values.problem(option, default):
                    continue
                lines = values.text(option, default)
                if lines:
                    written.setdefault(section, {})[name] = (option, lines)
                    expected.setdefault(section, {})[name] = as_read(option, default)
        assert sum(map(len, expected.values())) > 300
        assert read_all(written) == expected


def as_read(option, default):
    """A default as oslo.config gives it after reading: parts of a dict are always text."""
    if option["type"] == "dict":
        return {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in default.items()
            if value is not None
        }
    if option["type"] == "list" and isinstance(default, str):
        return default.split(",") if default else []
    return default


def accepts_utf8(value):
    """Whether UTF-8 can hold the text."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


class TestText:
    """The form of what is written."""

    @pytest.mark.parametrize(
        ("kind", "value", "lines"),
        [
            ("string", "plain", ["plain"]),
            ("string", "", [""]),
            ("string", 42, ["42"]),
            ("string", "pa$$word$", ["pa$$$$word$$"]),
            ("string", "a\\$b", ["a\\\\$b"]),
            ("string", " a", ['" a"']),
            ("string", "'a'", ["\"'a'\""]),
            ("string", None, []),
            ("boolean", True, ["true"]),
            ("boolean", "Yes", ["true"]),
            ("boolean", "off", ["false"]),
            ("boolean", 0, ["false"]),
            ("integer", " 8080 ", ["8080"]),
            ("port", "443", ["443"]),
            ("float", 1, ["1"]),
            ("float", "0.5", ["0.5"]),
            ("list", [], [""]),
            ("list", ["a", "b"], ["a,b"]),
            ("list", "a, b,", ["a,b"]),
            ("list", ["a$", 1], ["a$$,1"]),
            ("dict", {"a": "x y", "b": True, "c": None, "d": 1}, ["a:x y,b:true,d:1"]),
            ("dict", "a:b, c : d", ["a:b,c:d"]),
            ("dict", {}, [""]),
            ("multi", ["a", " b"], ["a", '" b"']),
            ("multi", "a", ["a"]),
            ("multi", [], []),
        ],
    )
    def test_lines(self, kind, value, lines):
        assert values.problem({"type": kind}, value) is None
        assert values.text({"type": kind}, value) == lines

    def test_a_value_that_is_not_valid_is_not_written_and_not_shown(self):
        with pytest.raises(ValueError, match="must be a port number") as caught:
            values.text({"type": "port"}, "hunter2")
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (True, "boolean"),
            (1, "integer"),
            (1.5, "float"),
            ("x", "string"),
            (["x"], "list"),
            ({"x": "y"}, "dict"),
        ],
    )
    def test_a_value_suggests_a_type(self, value, kind):
        assert values.untyped(value) == {"type": kind}
        assert values.problem(values.untyped(value), value) is None


class TestProblem:
    """What is refused, and why."""

    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ({"type": "string"}, True, "boolean"),
            ({"type": "string"}, 2.10, "in quotes"),
            ({"type": "string"}, ["a"], "a list"),
            ({"type": "string"}, "a\nb", "line break"),
            ({"type": "string"}, "a\rb", "carriage return"),
            ({"type": "string"}, "a\0b", "NUL"),
            ({"type": "string"}, "\ud800", "UTF-8"),
            (
                {"type": "string", "choices": ["SINGLE", "X"]},
                "single",
                "one of SINGLE, X, not 'sin",
            ),
            ({"type": "string", "regex": "^[a-z]{3}$"}, "abcd", "must match ^[a-z]{3}$"),
            ({"type": "boolean"}, "maybe", "true or false, not 'maybe'"),
            ({"type": "boolean"}, 2, "true or false"),
            ({"type": "boolean"}, "", "true or false"),
            ({"type": "integer"}, "lots", "a whole number, not 'lots'"),
            ({"type": "integer"}, True, "a whole number, not True"),
            ({"type": "integer"}, 1.5, "a whole number"),
            ({"type": "integer"}, "", "a whole number"),
            ({"type": "integer", "min": 1}, 0, "at least 1, not 0"),
            ({"type": "integer", "max": 7}, "8", "at most 7, not 8"),
            ({"type": "integer", "choices": [1, 2]}, 3, "one of 1, 2, not 3"),
            ({"type": "float"}, "fast", "a number"),
            ({"type": "float"}, float("nan"), "finite"),
            ({"type": "float"}, "inf", "finite"),
            ({"type": "float", "min": 0.5}, 0.4, "at least 0.5"),
            ({"type": "port"}, 65536, "at most 65535"),
            ({"type": "port"}, -1, "at least 0"),
            ({"type": "port", "min": 1}, 0, "at least 1"),
            ({"type": "ip"}, "10.0.0.256", "IPv4 or IPv6 address, not '10.0.0.256'"),
            ({"type": "ip"}, "fe80::1%eth0", "address"),
            ({"type": "ip"}, 10, "address"),
            ({"type": "hostname"}, "a_b", "host name"),
            ({"type": "hostname"}, "10.0.0.1", "host name"),
            ({"type": "hostaddress"}, "10.0.0.256", "host name or an IP"),
            ({"type": "uri"}, "keystone:5000", "URI"),
            ({"type": "list"}, {"a": 1}, "must be a list, not a mapping"),
            ({"type": "list"}, True, "must be a list, not a boolean"),
            ({"type": "list"}, ["a", "b,c"], "item 2 must not contain ','"),
            ({"type": "list"}, ["a "], "item 1 must not begin or end with a blank"),
            ({"type": "list"}, ["a", ""], "item 2 is empty"),
            ({"type": "list"}, ["a", None], "item 2 must be a single value, not null"),
            ({"type": "list"}, [["a"]], "item 1 must be a single value, not a list"),
            ({"type": "list", "item_type": "ip"}, "10.0.0.1, x", "item 2 must be an IPv4"),
            ({"type": "list", "item_type": "integer"}, ["x"], "item 1 must be a whole number"),
            ({"type": "list", "item_choices": ["h2"]}, ["h3"], "item 1 must be one of h2, not"),
            ({"type": "list", "item_regex": "^x{32}$"}, ["short"], "item 1 must match"),
            ({"type": "dict"}, ["a"], "must be a mapping, not a list"),
            ({"type": "dict"}, "a", "pairs key:value"),
            ({"type": "dict"}, "a:b,a:c", "the key a twice"),
            ({"type": "dict"}, {1: "x", "1": "y"}, "the key 1 twice"),
            ({"type": "dict"}, {"a:b": "c"}, "a key must not contain ':'"),
            ({"type": "dict"}, {"": "c"}, "empty key"),
            ({"type": "dict"}, {"a": "b,c"}, "the value of a must not contain ','"),
            ({"type": "dict"}, {"a": ["b"]}, "the value of a must be a single value, not a list"),
            ({"type": "multi"}, [None], "item 1 must be a single value"),
            ({"type": "multi", "default": ["d"]}, [], "empty list"),
        ],
    )
    def test_refused(self, option, value, said):
        assert said in values.problem(option, value)

    @pytest.mark.parametrize("option", [{"type": name} for name in [*REAL_TYPES, "multi"]])
    def test_null_is_never_a_problem(self, option):
        assert values.problem(option, None) is None
        assert values.text(option, None) == []

    def test_choices_without_case(self):
        option = {"type": "string", "choices": ["Days"], "ignore_case": True}
        assert values.problem(option, "days") is None
        assert values.problem({**option, "ignore_case": False}, "days")

    def test_an_empty_choice_is_named(self):
        option = {"type": "string", "choices": ["INFO", ""]}
        assert values.problem(option, "") is None
        assert "INFO, '' (empty)" in values.problem(option, "x")

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ({"type": "string", "regex": "^x{32}$"}, "hunter2"),
            ({"type": "string", "choices": ["a"]}, "hunter2"),
            ({"type": "string"}, ["hunter2"]),
            ({"type": "string"}, "hunter2\n"),
            ({"type": "list", "item_regex": "^x{32}$"}, ["hunter2"]),
            ({"type": "list"}, ["hunter2,x"]),
            ({"type": "dict"}, {"password": "hunter2,x"}),
            ({"type": "dict"}, "hunter2"),
            ({"type": "integer"}, "hunter2"),
            ({"type": "boolean"}, "hunter2"),
            ({"type": "ip"}, "hunter2 "),
            ({"type": "uri"}, "hunter2"),
        ],
    )
    def test_a_secret_is_not_shown(self, option, value):
        assert "hunter2" not in values.problem(option, value, secret=True)
        assert "hunter2" not in values.problem({**option, "secret": True}, value)


class TestAgreement:
    """The same texts are taken and refused as by oslo.config itself."""

    @given(st.text("0123456789.:abcdefx%/-[]", max_size=24))
    @settings(max_examples=300)
    @example("::ffff:10.0.0.1")
    @example("010.0.0.1")
    @example("1.2.3")
    def test_addresses(self, value):
        for kind in ("ip", "hostaddress"):
            option = {"type": kind}
            assert (values.problem(option, value) is None) is accepts(option, value)

    @given(st.text("abAB01-._", max_size=70) | st.text("a.", min_size=250, max_size=256))
    @example("a" * 63 + ".b")
    @example("a" * 64)
    @example("host.")
    @example("host.0")
    def test_host_names(self, value):
        option = {"type": "hostname"}
        assert (values.problem(option, value) is None) is accepts(option, value)

    @given(st.text("0123456789+-_. ex", max_size=4).filter(str.strip))
    def test_numbers(self, value):
        for kind in ("integer", "port", "float"):
            option = {"type": kind}
            assert (values.problem(option, value) is None) is accepts(option, value)

    @given(st.sampled_from(["true", "YES", "On", "1", "t", "y", "0", "no", "OFF", "2", " yes", ""]))
    def test_booleans(self, value):
        option = {"type": "boolean"}
        assert (values.problem(option, value) is None) is accepts(option, value)

    @pytest.mark.parametrize(
        "value",
        [
            "http://a",
            "https://a.test:5000/v3",
            "ftp://h",
            "http://[::1]:80/",
            "http://h/%zz",
            "http://u:p@h/p?q#f",
            "http://h_x/",
            "http://h/é",
            "http://10.0.0.1",
            "http://h:99999",
            "",
            "a/b",
            "http://",
            "http://a b",
            "//h/p",
            "http://é/",
            "http://h:x/",
            "1http://h",
            "http://300.1.1.1/",
            "http://[::g]/",
            "http://[10.0.0.1]/",
            "http:///path",
            "mailto:a",
        ],
    )
    def test_uris(self, value):
        option = {"type": "uri"}
        assert (values.problem(option, value) is None) is accepts(option, value)
