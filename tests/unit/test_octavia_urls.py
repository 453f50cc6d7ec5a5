"""URLs, read back by the libraries that Octavia reads them with."""

from urllib.parse import quote, unquote, urlsplit

import octavia_urls as urls
import oslo_messaging
import pytest
from given import GOOD, built, changed
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu.utils.url import parse_url
from oslo_config import cfg
from oslo_reader import read_file
from sqlalchemy.engine import make_url

PASSWORDS = [
    "plain",
    "@:%$#",
    "100%",
    "%40",
    "a b+c",
    "$$money$",
    'it\'s "quoted"',
    "back\\slash",
    "`tick`|&;<>",
    "?query=1&x#frag",
    "[brackets]{}",
    "pässwörd",
    " blanks around ",
    "',\"",
    "12345",
]
HOSTS = ["10.0.0.4", "db.example.org", "fd00::4", "::1"]
BEYOND_LATIN = "pässwörd-密码-😀"
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1)


def transport(url):
    """Virtual host and brokers as oslo.messaging reads them from a URL."""
    parsed = oslo_messaging.TransportURL.parse(cfg.ConfigOpts(), url)
    brokers = [(one.hostname, one.port, one.username, one.password) for one in parsed.hosts]
    return parsed.transport, parsed.virtual_host, brokers


def at_the_broker(url):
    """Accounts and virtual host as they arrive at kombu: oslo.messaging writes a URL of its own."""
    parsed = oslo_messaging.TransportURL.parse(cfg.ConfigOpts(), url)
    for one in parsed.hosts:
        host = f"[{one.hostname}]" if ":" in one.hostname else one.hostname
        account = f"{quote(one.username)}:{quote(one.password)}"
        read = parse_url(f"amqp://{account}@{host}:{one.port}/{parsed.virtual_host}")
        yield read["userid"], read["password"], read["virtual_host"]


def option(pillar, section, name, folder):
    """What oslo.config reads for an option of the pillar's octavia.conf."""
    build = built(pillar)
    assert build.found == []
    (text,) = build.sections[section][name]["text"]
    path = folder / "octavia.conf"
    path.write_text(f"[{section}]\n{name} = {text}\n", encoding="utf-8")
    return read_file(str(path), {section: {name: {"type": "string"}}})[section][name]


def both(changes):
    """GOOD with the same changes in both roles."""
    doubled = {f"{role}:{path}": value for path, value in changes.items() for role in SERVERS}
    return changed(GOOD, doubled)


SERVERS = ("api", "manager")


class TestDatabase:
    """`database` becomes a URL that SQLAlchemy reads."""

    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize("password", [*PASSWORDS, "@:/%$#"])
    def test_from_the_pillar_through_the_file(self, password, host, tmp_path):
        given_ = {"password": password, "host": host, "user": f"o {password}", "port": 3307}
        pillar = both({f"database:{key}": value for key, value in given_.items()})
        read = make_url(option(pillar, "database", "connection", tmp_path))
        assert (read.username, read.password) == (f"o {password}", password)
        assert (read.host, read.port, read.database) == (host, 3307, "octavia")

    @pytest.mark.parametrize(
        "name", ["octavia", "octavia-2", "a/b", "a#b", "100%", "a b", "$x", "grün"]
    )
    def test_the_name_is_as_the_server_knows_it(self, name, tmp_path):
        pillar = both({"database:name": name})
        assert make_url(option(pillar, "database", "connection", tmp_path)).database == name

    def test_postgresql_takes_any_password(self, tmp_path):
        pillar = both({"database:engine": "postgresql", "database:password": BEYOND_LATIN})
        read = make_url(option(pillar, "database", "connection", tmp_path))
        assert read.password == BEYOND_LATIN

    @pytest.mark.parametrize(
        ("engine", "driver", "port"),
        [("mysql", "mysql+pymysql", 3306), ("postgresql", "postgresql", 5432)],
    )
    def test_driver_and_port_follow_the_engine(self, engine, driver, port, tmp_path):
        pillar = both({"database:engine": engine})
        read = make_url(option(pillar, "database", "connection", tmp_path))
        assert (read.drivername, read.port) == (driver, port)

    @given(TEXT, TEXT)
    @settings(max_examples=100, deadline=None)
    def test_any_account(self, user, password):
        read = make_url(urls.database("mysql", user, password, "::1", 1, "octavia"))
        assert (read.username, read.password, read.host) == (user, password, "::1")


class TestTransport:
    """`message_queue` becomes a URL that oslo.messaging reads."""

    @pytest.mark.parametrize("password", [*PASSWORDS, BEYOND_LATIN])
    def test_from_the_pillar_through_the_file(self, password, tmp_path):
        changes = {"message_queue:password": password, "message_queue:user": f"o {password}"}
        members = [{"host": host} for host in HOSTS] + [{"host": "last", "port": "5673"}]
        pillar = both({**changes, "message_queue:members": members, "message_queue:port": 5671})
        url = option(pillar, "DEFAULT", "transport_url", tmp_path)
        kind, virtual_host, brokers = transport(url)
        account = (f"o {password}", password)
        assert (kind, virtual_host) == ("rabbit", "/octavia")
        wanted = [*((host, 5671, *account) for host in HOSTS), ("last", 5673, *account)]
        assert sorted(brokers) == sorted(wanted)
        assert set(at_the_broker(url)) == {(*account, "/octavia")}

    @pytest.mark.parametrize(
        "name",
        ["/", "/openstack", "openstack", "a/b", "/a,b", "/a b@c:d", "/grüße", "//", "/$x"],
    )
    def test_the_virtual_host_has_its_name_at_the_broker(self, name, tmp_path):
        pillar = both({"message_queue:virtual_host": name})
        url = option(pillar, "DEFAULT", "transport_url", tmp_path)
        assert {read for _, _, read in at_the_broker(url)} == {name}

    def test_without_a_name_it_is_the_brokers_default(self):
        pillar = {"user": "u", "password": "p", "host": "h"}
        build = built(both({"message_queue": pillar}))
        (text,) = build.sections["DEFAULT"]["transport_url"]["text"]
        assert transport(text) == ("rabbit", "/", [("h", 5672, "u", "p")])

    @given(TEXT, TEXT, TEXT)
    @settings(max_examples=100, deadline=None)
    def test_any_account_and_name(self, user, password, name):
        url = urls.transport(user, password, [("::1", 1), ("h", 2)], name)
        # The address in brackets must be the last one: see the function.
        accounts = [("h", 2, user, password), ("::1", 1, user, password)]
        assert transport(url) == ("rabbit", name, accounts)


@pytest.mark.parametrize("host", HOSTS)
def test_keystone(host):
    parts = urlsplit(urls.identity("https", host, 443))
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("https", host, 443, "/v3")


def test_an_address_in_brackets_stays_as_it_is():
    assert urls.netloc("[::1]", 80) == urls.netloc("::1", 80) == "[::1]:80"


@given(TEXT, TEXT)
def test_nothing_of_an_account_can_end_it(user, password):
    text = urls.credentials(user, password)
    assert text.isascii()
    assert not set(text) & set("@/?#[]$\"' ")
    assert [unquote(part) for part in text.split(":")] == [user, password]
