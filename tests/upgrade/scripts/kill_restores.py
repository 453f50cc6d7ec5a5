"""
Restores a backup again and again and kills that, as when the machine dies, at moments all over its
time, until it has been killed often enough and the last one was killed in the middle.

Arguments: the folder of the formula's utilities, the backup, how often. Prints as JSON what was
found after each: "marked" where the database says that a restore did not end, "whole" where it is
that of the backup, else what there is. Runs on a controller, with what its octavia.conf says of the
database and with the system's PyMySQL.
"""

import configparser
import json
import os
import signal
import subprocess
import sys
import time
from urllib.parse import unquote, urlsplit

import pymysql

CONF = "/etc/octavia/octavia.conf"
MOST = 300
RESTORE = """
import sys
sys.path.insert(0, sys.argv[1])
import octavia_dump
print("begun", flush=True)
octavia_dump.restore(sys.stdin.read(), sys.argv[2])
"""


class Database:
    """Octavia's, looked at by a connection that is to no database, which a restore would refuse."""

    def __init__(self, url):
        where = urlsplit(url)
        self.name = where.path.strip("/")
        self.connection = pymysql.connect(
            host=where.hostname,
            port=where.port or 3306,
            user=where.username,
            password=unquote(where.password),
            autocommit=True,
        )

    def ask(self, question):
        with self.connection.cursor() as cursor:
            cursor.execute(question, {"name": self.name})
            return cursor.fetchall()

    def look(self):
        """Revisions, how many tables, how many load balancers."""
        (tables,) = self.ask(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %(name)s"
        )
        revisions = sorted(self.ask(f"SELECT version_num FROM {self.name}.alembic_version"))
        try:
            (balancers,) = self.ask(f"SELECT COUNT(*) FROM {self.name}.load_balancer")
        except pymysql.err.ProgrammingError:
            balancers = (None,)
        return [[revision for (revision,) in revisions], *tables, *balancers]

    def is_busy(self):
        """Whether the server still does something for who was killed."""
        busy = "SELECT 1 FROM information_schema.processlist WHERE db = %(name)s"
        return bool(self.ask(busy))


def begin(url, utils, backup):
    """A restore that has come as far as its first step."""
    process = subprocess.Popen(
        [sys.executable, "-c", RESTORE, utils, backup],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    process.stdin.write(url)
    process.stdin.close()
    assert process.stdout.readline() == "begun\n"
    return process


def main():
    utils, backup, often = sys.argv[1], sys.argv[2], int(sys.argv[3])
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(CONF)
    url = parser["database"]["connection"].replace("$$", "$")
    database = Database(url)
    started = time.monotonic()
    assert begin(url, utils, backup).wait() == 0
    seconds = time.monotonic() - started
    whole = database.look()
    found = []
    while len(found) < MOST and (len(found) < often or found[-1] != "marked"):
        process = begin(url, utils, backup)
        # What is to be killed does not tell how far it is.
        time.sleep(seconds * (len(found) % often) / often)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while database.is_busy():
            time.sleep(0.01)
        left = database.look()
        is_marked = "restore not ended" in left[0]
        found.append("marked" if is_marked else "whole" if left == whole else str(left))
    print(json.dumps(found))


main()
