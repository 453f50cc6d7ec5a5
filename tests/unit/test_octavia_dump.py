"""
Backups of the database: what becomes of the file and of the database when something goes wrong.
Small programs that keep tables in a file stand in for those of a database.
"""

import datetime
import errno
import fcntl
import gzip
import json
import os
import signal
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from urllib.parse import quote

import octavia_dbprograms
import octavia_dump
import octavia_dumpfile
import pytest
from octavia_dumpfile import DumpError

NOW = datetime.datetime(2026, 10, 1, 12, 0, 5, tzinfo=datetime.timezone.utc)
NAME = "octavia-zed-20261001T120005Z.sql.gz"
PASSWORD = "p\"a\\ss#w:or'd %e=f;/@?&"
ACCOUNT = f"octavia:{quote(PASSWORD, safe='')}"
URL = f"mysql+pymysql://{ACCOUNT}@db.example.org:3307/octavia"
PG_URL = f"postgresql+psycopg2://{ACCOUNT}@db.example.org/octavia"

# As MariaDB's program writes it, shortened.
MARIADB = rb"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: db.example.org    Database: octavia
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `alembic_version`;
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB;
INSERT INTO `alembic_version` VALUES
('0995c26fc506');
CREATE TABLE `load_balancer` (
  `id` varchar(36) NOT NULL COMMENT 'an (id);'
) ENGINE=InnoDB;
INSERT INTO `load_balancer` VALUES
('one','it\'s (a) name\n-- Dump completed',NULL),
('two','quoted '' once, (x),(y) and a \\',1);
CREATE TABLE `member` (
  `id` varchar(36) NOT NULL
) ENGINE=InnoDB;
-- Dump completed on 2026-10-01 12:00:05
"""
# As MySQL's writes it: all rows in a line.
MYSQL = rb"""-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL
) ENGINE=InnoDB;
INSERT INTO `alembic_version` VALUES ('fabf4983846b');
CREATE TABLE `load_balancer` (
  `id` varchar(36) NOT NULL
) ENGINE=InnoDB;
INSERT INTO `load_balancer` VALUES ('one','a',0x31),('two','b;',NULL),('three','(',1);
INSERT INTO `load_balancer` (`id`, `name`) VALUES ('four','b');

-- Dump completed on 2026-10-01 12:00:05
"""
# As PostgreSQL's writes it.
POSTGRESQL = rb"""--
-- PostgreSQL database dump
--

\restrict lFDMmmfBwIEXKoiGQpOn

SET statement_timeout = 0;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.load_balancer (
    id character varying(36) NOT NULL
);
COPY public.alembic_version (version_num) FROM stdin;
fabf4983846b
\.


COPY public.load_balancer (id, name) FROM stdin;
one	\N
\restrict two	b
-- three	c
\.


ALTER TABLE ONLY public.load_balancer ADD CONSTRAINT load_balancer_pkey PRIMARY KEY (id);
--
-- PostgreSQL database dump complete
--

\unrestrict lFDMmmfBwIEXKoiGQpOn

"""

DUMP = """
    import sys
    note({"secret": secret()})
    if "--version" in sys.argv:
        print(given["version"])
        sys.exit()
    sys.stdout.buffer.write(open(given["dump"], "rb").read())
    sys.stdout.flush()
    sys.stderr.write(given["said"].replace("PASSWORD", given["password"]))
    time.sleep(given["sleep"])
    if given["code"] < 0:
        os.kill(os.getpid(), -given["code"])
    sys.exit(given["code"])
"""
CLIENT = r"""
    import re
    if "--version" in sys.argv:
        print(given["version"])
        sys.exit()
    text = sys.stdin.buffer.read()
    here = json.load(open(given["tables"]))
    if b"information_schema.tables" in text or b"SELECT 'BASE TABLE'" in text:
        for name in here:
            print("BASE TABLE", name, sep="\t")
        sys.exit()
    if text.startswith(b"SELECT version_num"):
        print(given["revision"])
        sys.exit()
    note({"secret": secret(), "sql": text.decode()})
    words = text.decode()
    if given["fails"] and given["fails"] in words:
        sys.stderr.write("--------------\nINSERT INTO `vrrp_group` VALUES ('vrrp-secret')\n")
        sys.stderr.write("ERROR 1205 (HY000) at line 2: failed with " + given["password"] + "\n")
        if given["half"]:
            json.dump(here[:1], open(given["tables"], "w"))
        sys.exit(1)
    if "lock_wait_timeout" in words:
        here = [name for name in here if name == "alembic_version"]
    if "DO $drop$" in words:
        here = []
    here += re.findall(r"CREATE TABLE (?:public\.)?`?(\w+)`? \(", words)
    json.dump(sorted(set(here)), open(given["tables"], "w"))
"""
PROGRAM = """\
#!{python}
import json, os, sys, time
given = json.load(open({settings!r}))

def note(what):
    what.update(argv=sys.argv, env=dict(os.environ))
    with open({notes!r}, "a") as file:
        file.write(json.dumps(what) + "\\n")

def secret():
    path = os.environ["PGPASSFILE"]
    for word in sys.argv:
        if word.startswith("--defaults-file="):
            path = word.partition("=")[2]
    if not os.path.exists(path):
        return None
    return [open(path).read(), oct(os.stat(path).st_mode & 0o777)]
"""


class Programs:
    """The programs that are there, and what they were called with."""

    def __init__(self, folder):
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.settings, self.notes = folder / "settings", folder / "notes"
        self.tables = folder / "tables"
        self.tables.write_text('["load_balancer", "old"]')
        (folder / "dump").write_bytes(MARIADB)
        self.given = {
            "dump": str(folder / "dump"),
            "tables": str(self.tables),
            "code": 0,
            "said": "",
            "version": "Ver 10.19-MariaDB",
            "sleep": 0,
            "fails": "",
            "half": False,
            "revision": "0995c26fc506",
            "password": PASSWORD,
        }
        self.set()

    def set(self, **settings):
        """Changes how they behave."""
        dump = settings.pop("dump", None)
        if dump is not None:
            Path(self.given["dump"]).write_bytes(dump)
        self.given.update(settings)
        self.settings.write_text(json.dumps(self.given))

    def install(self, *names):
        """Puts programs there in place of those that are there."""
        for path in self.folder.iterdir():
            path.unlink()
        for name in names:
            text = DUMP if "dump" in name else CLIENT
            path = self.folder / name
            head = PROGRAM.format(
                python=sys.executable, settings=str(self.settings), notes=str(self.notes)
            )
            path.write_text(head + textwrap.dedent(text))
            path.chmod(0o755)

    @property
    def calls(self):
        """What they were called with, the requests for a version left out."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [call for call in map(json.loads, lines) if "--version" not in call["argv"]]

    @property
    def there(self):
        """The tables of the database."""
        return json.loads(self.tables.read_text())


@pytest.fixture
def programs(tmp_path, monkeypatch):
    found = Programs(tmp_path)
    found.install("mariadb-dump", "mariadb", "pg_dump", "psql")
    monkeypatch.setenv("PATH", str(found.folder))
    monkeypatch.setenv("MYSQL_PWD", "of-someone-else")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield found
    assert list(temporary.iterdir()) == []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "made" / "backups"


def backup(folder, url=URL, keep=5, label="zed", now=NOW):
    return octavia_dump.backup(url, str(folder), label, keep, now)


def refused(call, *args, **named):
    """The error that a call ends with."""
    with pytest.raises(DumpError) as caught:
        call(*args, **named)
    assert PASSWORD not in str(caught.value)
    assert quote(PASSWORD, safe="") not in str(caught.value)
    return caught.value


def packed(path, sql):
    path.write_bytes(gzip.compress(sql))
    return str(path)


# -- backup ---------------------------------------------------------------------------------------


def test_a_backup(programs, folder):
    made = backup(folder)
    path = Path(made.pop("path"))
    assert path == folder / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert gzip.decompress(path.read_bytes()) == MARIADB
    assert made.pop("seconds") >= 0
    assert made == {
        "size": path.stat().st_size,
        "bytes": len(MARIADB),
        "engine": "mysql",
        "rows": 3,
        "tables": {"alembic_version": 1, "load_balancer": 2, "member": 0},
        "revisions": ["0995c26fc506"],
        "removed": [],
        "said": "",
    }
    assert [item.name for item in folder.iterdir()] == [NAME]


@pytest.mark.parametrize("url", [URL, PG_URL])
def test_the_password_is_in_a_file_only(programs, folder, url):
    programs.set(dump=MARIADB if url == URL else POSTGRESQL)
    path = backup(folder, url)["path"]
    octavia_dump.restore(url, path)
    assert len(programs.calls) == (3 if url == URL else 2)
    for call in programs.calls:
        text, mode = call["secret"]
        assert mode == "0o600"
        assert "p\\" in text or 'p"' in text
        rest = json.dumps([call["argv"], call["env"]])
        assert json.dumps(PASSWORD)[1:-1] not in rest
        assert quote(PASSWORD, safe="") not in rest
        assert "of-someone-else" not in rest


def test_what_mysql_programs_read(programs, folder):
    backup(folder)
    text, _ = programs.calls[0]["secret"]
    assert text.splitlines() == [
        *("[client]", 'user="octavia"', "password=" + r'"p\"a\\ss#w:or' + "'d %e=f;/@?&" + '"'),
        *('protocol="tcp"', 'host="db.example.org"', 'port="3307"', 'ssl-verify-server-cert="0"'),
    ]
    argv = programs.calls[0]["argv"]
    assert argv[1].startswith("--defaults-file=")
    assert argv[-2:] == ["--", "octavia"]
    assert {"--single-transaction", "--quick", "--routines", "--triggers"} <= set(argv)
    assert "--set-gtid-purged=OFF" not in argv


def test_a_socket(programs, folder):
    backup(folder, f"mysql://{ACCOUNT}@localhost/octavia?unix_socket=/run/mysqld/mysqld.sock")
    text, _ = programs.calls[0]["secret"]
    assert 'protocol="socket"\nsocket="/run/mysqld/mysqld.sock"\n' in text
    assert "host" not in text


TLS = "?ssl_ca=/ca.pem&ssl_cert=/c.pem&ssl_key=/c.key"


@pytest.mark.parametrize(
    ("version", "query", "wanted", "unwanted"),
    [
        ("10.19-MariaDB", TLS, 'ssl-verify-server-cert="1"', "ssl-mode"),
        ("10.19-MariaDB", f"{TLS}&ssl_check_hostname=false", 'ssl-verify-server-cert="0"', "mode"),
        ("8.0.40", TLS, 'ssl-mode="VERIFY_IDENTITY"', "ssl-verify-server-cert"),
        ("8.0.40", f"{TLS}&ssl_check_hostname=false", 'ssl-mode="VERIFY_CA"', "server-cert"),
        ("8.0.40", TLS.replace("ssl_ca=/ca.pem&", ""), 'ssl-mode="REQUIRED"', "ssl-ca"),
        ("8.0.40", "", 'port="3307"', "ssl"),
    ],
)
def test_tls_of_mysql_programs(programs, folder, version, query, wanted, unwanted):
    programs.install("mysqldump")
    programs.set(version=f"mysqldump  Ver {version}", dump=MYSQL)
    backup(folder, URL + query)
    text, _ = programs.calls[0]["secret"]
    assert wanted in text
    assert unwanted not in text
    assert ('ssl-cert="/c.pem"\nssl-key="/c.key"\n' in text) == bool(query)
    assert ("--set-gtid-purged=OFF" in programs.calls[0]["argv"]) == (version == "8.0.40")


def test_what_postgresql_programs_read(programs, folder):
    programs.set(dump=POSTGRESQL)
    made = backup(folder, f"{PG_URL}?sslmode=verify-full&sslrootcert=/ca%20of.pem")
    assert (made["engine"], made["rows"], made["revisions"]) == ("postgresql", 4, ["fabf4983846b"])
    (call,) = programs.calls
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    assert call["secret"][0] == f"*:*:*:*:{escaped}\n"
    assert call["argv"][1] == (
        "--dbname=host='db.example.org' port='5432' user='octavia' dbname='octavia' "
        "connect_timeout='10' sslmode='verify-full' sslrootcert='/ca of.pem'"
    )


CUT = MARIADB[: MARIADB.index(b"CREATE TABLE `member`")]


@pytest.mark.parametrize(
    ("settings", "kind", "shown"),
    [
        ({"code": 2, "said": "mariadb-dump: Got error: 1045: denied\n"}, "failed", "1045: denied"),
        ({"code": 2, "dump": CUT, "said": "x\nfor PASSWORD here\n"}, "failed", "for *** here"),
        ({"code": 3, "dump": CUT, "said": "a\n" * 9000}, "failed", "ended with 3"),
        ({"code": -9, "dump": CUT}, "failed", "ended with -9"),
        ({"dump": CUT}, "unreadable", "not whole"),
        ({"dump": b""}, "unreadable", "not whole"),
        ({"dump": MARIADB + b"DROP TABLE `load_balancer`;\n"}, "unreadable", "not whole"),
        ({"dump": MARIADB.replace(b"load_balancer", b"nova")}, "unreadable", "load_balancer"),
        ({"dump": MARIADB.replace(b"alembic_v", b"other_v")}, "unreadable", "alembic_version"),
    ],
)
def test_a_backup_that_fails_leaves_nothing(programs, folder, settings, kind, shown):
    programs.set(**settings)
    problem = refused(backup, folder)
    assert problem.kind == kind
    assert shown in str(problem)
    assert len(str(problem)) < 800
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, "no space"), (errno.EDQUOT, "no space"), (errno.EROFS, "folder")],
)
def test_a_disk_that_takes_no_more(programs, folder, monkeypatch, number, kind):
    def full(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    assert refused(backup, folder).kind == kind
    assert list(folder.iterdir()) == []


def test_a_full_disk_ends_the_program_at_once(programs, folder, monkeypatch):
    class Full(gzip.GzipFile):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gzip, "GzipFile", Full)
    programs.set(sleep=60)
    started = time.monotonic()
    assert refused(backup, folder).kind == "no space"
    assert time.monotonic() - started < 20
    assert list(folder.iterdir()) == []


def test_a_program_that_does_nothing(programs, folder, monkeypatch):
    monkeypatch.setattr(octavia_dbprograms, "STALLED", 0.3)
    programs.set(sleep=60)
    started = time.monotonic()
    problem = refused(backup, folder)
    assert time.monotonic() - started < 20
    assert problem.kind == "failed"
    assert "did nothing" in str(problem)
    assert list(folder.iterdir()) == []


def test_no_program(programs, folder):
    programs.install("mariadb", "pg_dump")
    problem = refused(backup, folder)
    assert problem.kind == "no program"
    assert "mariadb-dump" in str(problem)
    assert not folder.exists()
    assert "psql" in str(refused(octavia_dump.restore, PG_URL, _file(folder, POSTGRESQL)))


def test_what_a_program_warns_of(programs, folder):
    programs.set(said="mariadb-dump: Deprecated: PASSWORD\n")
    assert backup(folder)["said"] == "mariadb-dump: Deprecated: ***"


@pytest.mark.parametrize("url", ["sqlite:////x", f"mysql://{ACCOUNT}@db:port/x", "octavia"])
def test_another_database(programs, folder, url):
    assert refused(backup, folder, url).kind == "unsupported"
    assert not folder.exists()


def test_a_password_that_postgresql_cannot_read(programs, folder):
    assert refused(backup, folder, "postgresql://u:a%0Ab@h/octavia").kind == "unsupported"


@pytest.mark.parametrize("label", ["", "../x", "a/b", "a b", ".x"])
def test_a_label_that_is_no_name(programs, folder, label):
    assert refused(backup, folder, label=label).kind == "folder"
    assert not folder.exists()


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o702])
def test_a_folder_of_others_is_not_used(programs, folder, mode):
    folder.mkdir(parents=True)
    folder.chmod(mode)
    assert refused(backup, folder).kind == "folder"
    assert folder.stat().st_mode & 0o777 == mode
    assert programs.calls == []


def test_a_backup_never_replaces_another(programs, folder):
    backup(folder)
    assert refused(backup, folder).kind == "folder"
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_what_a_killed_backup_left(programs, folder):
    folder.mkdir(parents=True, mode=0o700)
    left = folder / "octavia-a-20260901T000000Z.sql.gz.part"
    at_work = folder / "octavia-b-20260901T000000Z.sql.gz.part"
    others = folder / "dump.part"
    for path in (left, at_work, others):
        path.write_bytes(b"x")
    with at_work.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        backup(folder)
    assert sorted(folder.iterdir()) == sorted([at_work, others, folder / NAME])


# -- how many backups stay ------------------------------------------------------------------------

STAMPS = {"z-a": "20260901T000000Z", "a": "20260903T000000Z", "m": "20260902T000000Z"}


def several(folder):
    folder.mkdir(parents=True, mode=0o700)
    for name in ("octavia-old.sql.gz", "nova-a-20200101T000000Z.sql.gz", "octavia.conf"):
        (folder / name).write_bytes(b"x")
    paths = [folder / f"octavia-{label}-{stamp}.sql.gz" for label, stamp in STAMPS.items()]
    for path in paths:
        path.write_bytes(b"x")
    return paths


@pytest.mark.parametrize(
    ("keep", "gone"), [(0, []), (1, [0, 2]), (2, [0]), (3, []), (4, []), (-1, [])]
)
def test_the_oldest_go(folder, keep, gone):
    paths = several(folder)
    assert octavia_dump.prune(str(folder), keep) == [str(paths[number]) for number in gone]
    assert len(list(folder.iterdir())) == 6 - len(gone)
    assert not any(paths[number].exists() for number in gone)


def test_a_new_backup_stays(programs, folder):
    paths = several(folder)
    made = backup(folder, keep=1)
    assert len(made["removed"]) == 3
    assert Path(made["path"]).exists()
    assert not any(path.exists() for path in paths)
    # Of the same second, and before the other by its name.
    again = backup(folder, keep=1, label="a")
    assert again["removed"] == [made["path"]]
    assert Path(again["path"]).exists()


def test_space(tmp_path):
    assert octavia_dump.free(str(tmp_path / "not" / "there")) > 0
    assert octavia_dump.needed_space(10**9) > 10**9
    assert octavia_dump.needed_space(0) > 0


# -- reading a backup back ------------------------------------------------------------------------


def _file(folder, sql):
    folder.mkdir(parents=True, exist_ok=True)
    return packed(folder / "x.sql.gz", sql)


@pytest.mark.parametrize(
    ("sql", "rows", "revision"),
    [(MARIADB, 2, "0995c26fc506"), (MYSQL, 4, "fabf4983846b"), (POSTGRESQL, 3, "fabf4983846b")],
)
def test_what_a_backup_holds(tmp_path, sql, rows, revision):
    found = octavia_dump.check(_file(tmp_path, sql))
    assert found["tables"]["load_balancer"] == rows
    assert found["revisions"] == [revision]
    assert found["bytes"] == len(sql)


@pytest.mark.parametrize("length", [0, 5, 60, -1, -9])
def test_a_file_that_was_cut(tmp_path, length):
    path = Path(_file(tmp_path, MARIADB))
    path.write_bytes(path.read_bytes()[:length])
    assert refused(octavia_dump.check, str(path)).kind == "unreadable"


def test_a_file_with_a_wrong_byte(tmp_path):
    path = Path(_file(tmp_path, MARIADB))
    data = path.read_bytes()
    # The first ten tell of the file, not of what is in it.
    for number in range(10, len(data)):
        path.write_bytes(data[:number] + bytes([data[number] ^ 0xFF]) + data[number + 1 :])
        assert refused(octavia_dump.check, str(path)).kind == "unreadable"


def test_a_file_that_is_none(tmp_path):
    assert refused(octavia_dump.check, str(tmp_path / "x")).kind == "unreadable"
    (tmp_path / "y").write_bytes(MARIADB)
    assert refused(octavia_dump.check, str(tmp_path / "y")).kind == "unreadable"


@pytest.mark.parametrize("sql", [MARIADB, MYSQL, POSTGRESQL])
def test_every_cut_between_lines_is_noticed(tmp_path, sql):
    lines = sql.splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if b"ump complete" in line[:40]]
    for number in range(ends[-1]):
        problem = refused(octavia_dump.check, _file(tmp_path, b"".join(lines[:number])))
        assert problem.kind == "unreadable"


# -- restore --------------------------------------------------------------------------------------


VERSIONED = '["alembic_version", "load_balancer", "old"]'
MARK = "INSERT INTO `alembic_version` VALUES ('restore not ended');\n"
UNMARK = "DELETE FROM `alembic_version` WHERE version_num = 'restore not ended';\n"


def test_a_restore(programs, folder):
    restored = octavia_dump.restore(URL, _file(folder, MARIADB))
    assert restored["dropped"] == 2
    assert restored["rows"] == 3
    assert programs.there == ["alembic_version", "load_balancer", "member"]
    drop, load = (call["sql"] for call in programs.calls)
    assert "DROP TABLE IF EXISTS `load_balancer`, `old`;" in drop
    # Until all is loaded, no release takes the database for its own.
    assert drop.endswith(MARK)
    version = "INSERT INTO `alembic_version` VALUES\n('0995c26fc506');\n"
    # Only newer clients know the first line.
    loaded = MARIADB.decode().partition("\n")[2]
    begin = loaded.index("DROP TABLE IF EXISTS `alembic_version`")
    end = loaded.index(version) + len(version)
    last = f"START TRANSACTION;\nDELETE FROM `alembic_version`;\n{version}COMMIT;\n"
    assert load == f"{loaded[:begin]}{loaded[end:]}{last}"
    assert "--binary-mode" in programs.calls[1]["argv"]


def test_the_version_table_says_first_that_a_restore_is_under_way(programs, folder):
    programs.tables.write_text(VERSIONED)
    octavia_dump.restore(URL, _file(folder, MARIADB))
    drop = programs.calls[0]["sql"]
    assert drop.startswith(MARK)
    assert "DROP TABLE IF EXISTS `load_balancer`, `old`;" in drop
    assert "DROP TABLE IF EXISTS `alembic_version`" not in drop


def test_a_restore_that_drops_nothing_takes_the_mark_back(programs, folder):
    programs.tables.write_text(VERSIONED)
    programs.set(fails="DROP TABLE IF EXISTS `load_balancer`, ")
    problem = refused(octavia_dump.restore, URL, _file(folder, MARIADB))
    assert str(problem).endswith(octavia_dump.UNTOUCHED)
    assert programs.calls[-1]["sql"] == UNMARK


def test_a_restore_after_one_that_did_not_end_leaves_its_mark(programs, folder):
    programs.tables.write_text(VERSIONED)
    programs.set(fails="DROP TABLE IF EXISTS `load_balancer`, ", revision="restore not ended")
    refused(octavia_dump.restore, URL, _file(folder, MARIADB))
    (call,) = programs.calls
    assert MARK not in call["sql"] and UNMARK not in call["sql"]


def test_a_restore_of_an_empty_database(programs, folder):
    programs.tables.write_text("[]")
    assert octavia_dump.restore(URL, _file(folder, MYSQL))["dropped"] == 0
    assert programs.there == ["alembic_version", "load_balancer"]
    version = "INSERT INTO `alembic_version` VALUES ('fabf4983846b');\n"
    assert programs.calls[-1]["sql"].count(version) == 1
    assert programs.calls[-1]["sql"].endswith(f"DELETE FROM `alembic_version`;\n{version}COMMIT;\n")


def test_a_restore_of_postgresql(programs, folder):
    octavia_dump.restore(PG_URL, _file(folder, POSTGRESQL))
    assert programs.there == ["alembic_version", "load_balancer"]
    (call,) = programs.calls
    assert call["sql"].startswith("BEGIN;")
    assert call["sql"].endswith("\nCOMMIT;\n")
    # What begins like a command of newer clients is data within COPY.
    assert "\\restrict lFDM" not in call["sql"]
    assert "\\restrict two\tb\n" in call["sql"]
    assert "--set=ON_ERROR_STOP=1" in call["argv"]


@pytest.mark.parametrize("sql", [CUT, MARIADB.replace(b"load_balancer", b"nova"), POSTGRESQL])
def test_nothing_is_dropped_for_a_file_that_is_no_backup(programs, folder, sql):
    problem = refused(octavia_dump.restore, URL, _file(folder, sql))
    assert problem.kind == "unreadable"
    assert str(problem).endswith(octavia_dump.UNTOUCHED)
    assert programs.calls == []


@pytest.mark.parametrize(
    ("url", "settings", "state"),
    [
        (URL, {"fails": "DROP TABLE IF EXISTS `load_balancer`, "}, octavia_dump.UNTOUCHED),
        (URL, {"fails": "DROP TABLE IF EX", "half": True}, octavia_dump.HALF_DROPPED),
        (URL, {"fails": "CREATE TABLE `load_balancer`"}, octavia_dump.HALF_LOADED),
        (PG_URL, {"fails": "CREATE TABLE"}, octavia_dump.UNTOUCHED),
    ],
)
def test_a_restore_that_fails_tells_the_state(programs, folder, url, settings, state):
    programs.set(**settings)
    sql = MARIADB if url == URL else POSTGRESQL
    problem = refused(octavia_dump.restore, url, _file(folder, sql))
    assert problem.kind == "failed"
    assert str(problem).endswith(f"failed with ***. {state}")
    # The statement that a client shows beside its error may hold what Octavia keeps there.
    assert "vrrp-secret" not in str(problem)


def test_a_restore_after_which_tables_are_missing(programs, folder):
    without = MARIADB.replace(b"CREATE TABLE `member` (", b"CREATE TABLE `member` \t(")
    path = _file(folder, MARIADB)

    def other(_):
        yield without

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(octavia_dump, "statements", other)
        problem = refused(octavia_dump.restore, URL, path)
    assert "member" in str(problem)
    assert str(problem).endswith(octavia_dump.DIFFERENT)


def test_much_data_goes_both_ways(programs, folder):
    row = b"INSERT INTO `load_balancer` VALUES\n(" + b"'" + b"x" * 1000 + b"'" + b");\n"
    sql = MARIADB.replace(b"CREATE TABLE `member`", row * 3000 + b"CREATE TABLE `member`")
    programs.set(dump=sql)
    made = backup(folder)
    assert made["rows"] == 3003
    octavia_dump.restore(URL, made["path"])
    assert (row * 3000).decode() in programs.calls[-1]["sql"]


@pytest.mark.parametrize(
    "instead",
    [
        # As when the server goes away: the rest of the file has nowhere to go.
        'sys.stdin.buffer.read(200); sys.exit("ERROR 2013")',
        'os.close(0); time.sleep(0.5); sys.exit("ERROR 2013")',
        # It says much before it reads on.
        'sys.stdout.write("x" * (1 << 20)); sys.stdin.buffer.read(); sys.exit("ERROR 2013")',
    ],
)
def test_a_client_that_does_not_just_read(programs, folder, instead):
    client = programs.folder / "mariadb"
    read = "text = sys.stdin.buffer.read()"
    loads = f'{read[:-1]}200)\nif b"SET NAMES" in text: {instead}\ntext += sys.stdin.buffer.read()'
    client.write_text(client.read_text().replace(read, loads))
    sql = MARIADB.replace(b"-- MariaDB dump", b"-- " + b"x" * (1 << 20) + b"\n-- MariaDB dump")
    sql = sql.replace(b"/*M!999999\\- enable the sandbox mode */\n", b"/*!40101 SET NAMES x */;\n")

    def waits(*_):
        pytest.fail("both sides wait for each other")

    before = signal.signal(signal.SIGALRM, waits)
    signal.alarm(20)
    try:
        problem = refused(octavia_dump.restore, URL, _file(folder, sql))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert "ERROR 2013" in str(problem)
    assert str(problem).endswith(octavia_dump.HALF_LOADED)


def test_kinds_are_documented():
    kinds = octavia_dumpfile.DumpError.__doc__
    assert all(f"``{kind}``" in kinds for kind in ("no program", "no space", "folder", "failed"))
