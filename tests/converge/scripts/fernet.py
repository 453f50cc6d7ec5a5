"""
Encrypts as Octavia's flows encrypt keys, and prints which earlier texts they can still read, by
Octavia's own code and the octavia.conf of this node.

Arguments: texts that were encrypted before. Prints, as JSON, a new one and true or false for each
of those. Runs in a node with the system's Python, where passphrases may be a list.
"""

import json
import sys

from cryptography.fernet import InvalidToken
from octavia.common import service, utils


def readable(fernet, text):
    try:
        return fernet.decrypt(text.encode()) == b"a key"
    except InvalidToken:
        return False


def main(texts):
    service.prepare_service(["fernet", "--config-file", "/etc/octavia/octavia.conf"])
    fernet = utils.get_server_certs_key_passphrases_fernet()
    answer = {"new": fernet.encrypt(b"a key").decode(), "read": []}
    answer["read"] = [readable(fernet, text) for text in texts]
    print("ANSWER " + json.dumps(answer))


main(sys.argv[1:])
