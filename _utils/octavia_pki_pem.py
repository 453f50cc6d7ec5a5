"""
Text in PEM form: read as OpenSSL reads a file, or mended where it came through YAML.

What cannot be read is told as :class:`BadPem`, whose reason and remedy never hold the text itself.
"""

# No annotations as text here, see octavia_blocks.
import base64
import re
from typing import NamedTuple

CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE")
BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
BEGIN, END = "-----BEGIN ", "-----END "
MARK = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
# Below this the headers of a key in the old encrypted form stand, each on a line of its own.
HEADER = re.compile(r"[A-Za-z-]+: [!-~][ -~]*")
WIDTH = 64


class BadPem(Exception):
    """
    A text that is no certificate or key in PEM form.

    :ivar reason: why, a sentence without a full stop
    :ivar remedy: what to do about it, a sentence without a full stop
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Block(NamedTuple):
    """
    One block of a text.

    :ivar label: what stands behind BEGIN, ``CERTIFICATE``
    :ivar text: the block in normal form: lines of 64 characters, one line feed after each
    """

    label: str
    text: str

    def is_key(self) -> bool:
        """Whether it is a private key of some kind."""
        return self.label.endswith("PRIVATE KEY")

    def is_certificate(self) -> bool:
        """Whether it is a certificate."""
        return self.label in CERTIFICATES


def read(content: bytes) -> list[Block]:
    """
    The blocks of a file, as OpenSSL sees them: text outside of blocks, both kinds of line ends and
    a byte order mark are allowed, indentation is not.

    :param content: the content of the file
    :return: the blocks in their order, at least one
    :raises BadPem: when OpenSSL would not read it
    """
    text = _text(content).removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").split("\n")
    for line in lines:
        if (BEGIN in line or END in line) and not MARK.fullmatch(line.rstrip()):
            reason = "has more on the line of a -----BEGIN or -----END, so OpenSSL does not read it"
            raise BadPem(reason, "Leave nothing before or behind them, no blanks either")
    return _blocks("\n".join(line.rstrip() for line in lines))


def repair(content: str) -> tuple[str, list[str]]:
    """
    Mends what YAML and editors do to a PEM, where only one thing can have been meant.

    :param content: the text as the pillar has it
    :return: the blocks in normal form, and what was mended, in words
    :raises BadPem: when it is not clear what was meant
    """
    text = _text(content.encode("utf-8"))
    mended = []
    if text.startswith("\ufeff"):
        text = text[1:]
        mended.append("a byte order mark")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        mended.append("line ends of another system")
    if "\\n" in text:
        text = text.replace("\\r\\n", "\n").replace("\\n", "\n")
        mended.append("line ends written as \\n")
    lines = text.split("\n")
    if any(line[:1].isspace() and line.strip() for line in lines):
        lines = [line.strip() for line in lines]
        mended.append("indentation")
    text = "\n".join(line.rstrip() for line in lines)
    if any(BEGIN in line and END in line for line in lines):
        mended.append("lines joined by spaces")
    return "".join(block.text for block in _blocks(text)), mended


def _text(content: bytes) -> str:
    if not content.strip():
        raise BadPem("is empty", "Put the certificate or the key there, in PEM form")
    if content[:1] == b"\x30" and not content.startswith(b"0 "):
        reason = "is in DER form, a binary one; Octavia reads PEM"
        raise BadPem(reason, "Convert it: openssl x509 or openssl pkey with -inform DER")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if BEGIN not in text:
        reason = "holds no PEM: there is no -----BEGIN in it"
        raise BadPem(reason, "Put the whole certificate or key there, from BEGIN to END")
    return text


def _blocks(text: str) -> list[Block]:
    found = [Block(match[1], _normal(match[1], match[2])) for match in BLOCK.finditer(text)]
    if text.count(BEGIN) != len(found) or text.count(END) != len(found):
        reason = "is cut off or damaged: a -----BEGIN has no -----END of its own"
        raise BadPem(reason, "Put the whole of it there, from BEGIN to END")
    return found


def _normal(label: str, body: str) -> str:
    lines = [line.strip() for line in body.strip().split("\n")]
    headers = [line for line in lines if HEADER.fullmatch(line)]
    if len(headers) == 1 and "DEK-Info" in headers[0]:
        reason = f"holds a {label} whose headers were joined to one line"
        raise BadPem(reason, "Write it as a block of text after |")
    encoded = "".join("".join(line.split()) for line in lines if line not in headers)
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        decoded = b""
    if not decoded:
        reason = f"holds a {label} that is damaged: its text is no base64"
        raise BadPem(reason, "Copy it anew, from BEGIN to END")
    if not headers and not _is_whole(decoded):
        reason = f"holds a {label} that is damaged: characters are missing, or too many"
        raise BadPem(reason, "Copy it anew, from BEGIN to END")
    wrapped = [encoded[start : start + WIDTH] for start in range(0, len(encoded), WIDTH)]
    above = [*headers, ""] if headers else []
    return "\n".join([f"{BEGIN}{label}-----", *above, *wrapped, f"{END}{label}-----", ""])


def _is_whole(der: bytes) -> bool:
    """Whether the outermost element of an ASN.1 structure is as long as it says."""
    if len(der) < 2:
        return False
    length, start = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        start += count
        length = int.from_bytes(der[2:start], "big")
    return start + length == len(der)
