"""
Certificates and keys by which controllers and amphorae know each other: checked, watched, compared,
exported, and deployed from the pillar or made here.

No function but :py:func:`export_pillar`, :py:func:`new_passphrase` and
:py:func:`new_heartbeat_key` returns a secret.
"""

from __future__ import annotations

import datetime
import grp
import os
import posixpath
import pwd
import tempfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import salt.utils.files
from salt.exceptions import CommandExecutionError, SaltInvocationError

try:
    import octavia_findings as findings
    import octavia_pki_check as checking
    import octavia_pki_compare as comparing
    import octavia_pki_expiry as expiring
    import octavia_pki_export as exporting
    import octavia_pki_heartbeat as heartbeat
    import octavia_pki_load as loading
    import octavia_pki_make as make
    import octavia_pki_metrics as metrics
    import octavia_pki_names as names
    import octavia_pki_pem as pem
    import octavia_pki_pillar as pki_pillar
    import octavia_pki_plan as planning
    import octavia_pki_probe as probing
    import octavia_pki_rotation as rotating
    import octavia_pki_secrets as secrets
except ImportError:
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_pki_check as checking
    from salt_formula_octavia.utils import octavia_pki_compare as comparing
    from salt_formula_octavia.utils import octavia_pki_expiry as expiring
    from salt_formula_octavia.utils import octavia_pki_export as exporting
    from salt_formula_octavia.utils import octavia_pki_heartbeat as heartbeat
    from salt_formula_octavia.utils import octavia_pki_load as loading
    from salt_formula_octavia.utils import octavia_pki_make as make
    from salt_formula_octavia.utils import octavia_pki_metrics as metrics
    from salt_formula_octavia.utils import octavia_pki_names as names
    from salt_formula_octavia.utils import octavia_pki_pem as pem
    from salt_formula_octavia.utils import octavia_pki_pillar as pki_pillar
    from salt_formula_octavia.utils import octavia_pki_plan as planning
    from salt_formula_octavia.utils import octavia_pki_probe as probing
    from salt_formula_octavia.utils import octavia_pki_rotation as rotating
    from salt_formula_octavia.utils import octavia_pki_secrets as secrets

__virtualname__ = "octavia_pki"

#: Below these, and nowhere else, a directory's owner and mode may be changed.
OWN_DIRECTORIES = ("/etc/octavia/", "/var/lib/octavia/")
FILE_MODE, DIRECTORY_MODE = 0o640, 0o750
#: Octavia does not read the key of the client CA.
CA_KEY_MODE = 0o600
CONTROLLERS = "octavia:manager:enabled:true"
ALLOCATED = "ALLOCATED"


def __virtual__():
    return __virtualname__


class _Node(NamedTuple):
    """What this controller has, and shall have."""

    files: dict[str, names.File]
    settings: dict[str, Any]
    options: dict[str, dict[str, Any]]
    contents: dict[str, bytes]
    user: str
    group: str
    config: str
    noservices: bool

    def option(self, section: str, name: str) -> Any:
        """A value as octavia.conf will have it."""
        return self.options.get(section, {}).get(name)

    @property
    def passphrase(self) -> str:
        """What opens the key of the server CA."""
        return str(self.option(*secrets.CA_KEY) or "")

    def material(self, contents: Mapping[str, bytes], access: bool = False) -> checking.Material:
        """What is to be checked, with other contents perhaps."""
        return checking.Material(
            files=self.files,
            contents=contents,
            passphrase=self.passphrase,
            access=_access(self.files) if access else {},
            user=self.user,
            group=self.group,
        )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def _node(saltenv: str) -> _Node:
    given = __salt__["octavia_config.pki"](saltenv)
    files = {name: names.File(**file) for name, file in given.pop("files").items()}
    return _Node(files=files, contents=_contents(files), **given)


def _contents(files: Mapping[str, names.File]) -> dict[str, bytes]:
    found = {}
    for path in {file.path for file in files.values()}:
        try:
            with salt.utils.files.fopen(path, "rb") as stream:
                found[path] = stream.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as problem:
            raise CommandExecutionError(
                f"{path} cannot be read: {problem.strerror}. Mend that, then run this again"
            ) from problem
    return found


def _access(files: Mapping[str, names.File]) -> dict[str, checking.Access]:
    found = {}
    for path in {file.path for file in files.values()}:
        try:
            status = os.stat(path)
        except OSError:
            continue
        owner, group = _owner(status.st_uid), _group(status.st_gid)
        found[path] = checking.Access(status.st_mode & 0o7777, owner, group)
    return found


def _owner(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _secrets_found(node: _Node) -> list[dict[str, str]]:
    """Published values among the secrets; with require_strong_secrets the pillar is refused."""
    return secrets.published(node.option, pki_pillar.secret_paths(node.option), findings.WARNING)


def check(controllers: bool = True, saltenv: str = "base") -> list[dict[str, str]]:
    """
    What is wrong with the certificates, keys and secrets of this controller: each file by itself,
    whether they fit together, who may read them, how long they last, whether a secret is one that
    everybody knows, and whether the other controllers in the mine have the same.

    :param controllers: whether the other controllers are looked at, see :py:func:`compare`
    :param saltenv: file server environment that holds the formula
    :return: the findings, each with ``level``, ``path`` (of the pillar), ``value`` (the file),
        ``reason`` and ``remedy``, errors first; an empty list when there is nothing to say

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.check
    """
    wrong = findings.errors(__salt__["octavia_config.validate"](saltenv))
    if wrong:
        return wrong
    node = _node(saltenv)
    found = checking.check(
        node.material(node.contents, access=True), _now(), node.settings["warn_days"]
    )
    found += _secrets_found(node)
    others = controllers and __salt__["mine.get"](CONTROLLERS, "octavia_pki.fingerprints", "pillar")
    if others:
        # What this node put into the mine may be an hour old.
        found += comparing.compare({**others, __opts__["id"]: fingerprints(saltenv)})
    return sorted(found, key=lambda item: (item["level"] != findings.ERROR, item["path"]))


def expiry(
    amphorae: bool = True, cloud_name: str = "", saltenv: str = "base"
) -> list[dict[str, Any]]:
    """
    How long certificates last: those in the files of this controller, and through the API those of
    all amphorae.

    :param amphorae: whether the amphorae are asked for, which takes an administrator's cloud
    :param cloud_name: that cloud, of clouds.yaml; ``octavia:pki:cloud_name`` otherwise
    :param saltenv: file server environment that holds the formula
    :return: for each certificate ``kind`` (``file`` or ``amphora``), ``where`` (path or id),
        ``name``, ``expires`` and ``days_left``, worst first; where nothing is known ``days_left``
        is None and ``problem`` says why
    :raises CommandExecutionError: when the API does not answer

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.expiry cloud_name=octavia
    """
    node = _node(saltenv)
    rows = expiring.of_files(node.files, node.contents, _now())
    if amphorae:
        cloud = cloud_name or node.settings["cloud_name"]
        listed = __salt__["octaviav2.amphora_list"](cloud_name=cloud)
        rows += expiring.of_amphorae(listed["amphorae"], _now())
    return expiring.worst_first(rows)


def export_pillar(
    recipients: list[str] | str | None = None,
    everything: bool = True,
    gnupghome: str = "",
    saltenv: str = "base",
) -> str:
    """
    The PKI of this controller as pillar: CAs with keys and passphrases, the heartbeat key, and the
    certificate of this controller. Keep it where backups are kept; give the part that they need to
    the other controllers.

    :param recipients: fingerprints or addresses of GPG keys in root's keyring, for which each
        secret is encrypted; the file is one for Salt's GPG renderer then. Without any the secrets
        are plain
    :param everything: with what only this node needs, the key of the client CA and its own
        certificate and key; ``False`` is the pillar for the other controllers
    :param gnupghome: folder of the keyring, where it is not root's own
    :param saltenv: file server environment that holds the formula
    :return: the text of a pillar file
    :raises CommandExecutionError: when a file is missing or cannot be read, or GPG does not encrypt

    CLI Example:

    .. code-block:: bash

        salt-call --out=newline_values_only octavia_pki.export_pillar recipients=salt-master
    """
    node = _node(saltenv)
    try:
        given = exporting.pillar(node.files, node.contents, node.option, everything)
    except pem.BadPem as problem:
        raise CommandExecutionError(f"a file {problem.reason}. {problem.remedy}") from problem
    if not recipients:
        return exporting.text(given)

    def encrypt(secret: str) -> str:
        answer = __salt__["gpg.encrypt"](
            text=secret, recipients=recipients, gnupghome=gnupghome or None, always_trust=True
        )
        if not answer["res"]:
            raise CommandExecutionError(
                f"GPG did not encrypt: {answer['comment']}. Import the public keys of the "
                "recipients (gpg --import), then run this again"
            )
        said = answer["comment"]
        return said.decode("ascii") if isinstance(said, bytes) else str(said)

    return exporting.text(exporting.encrypted(given, encrypt), "yaml|gpg")


def new_passphrase() -> str:
    """
    A new passphrase, which is stored nowhere: for ``server_certs_key_passphrase`` and for the key
    of the server CA.

    :return: 32 URL-safe characters

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.new_passphrase
    """
    return secrets.new_passphrase()


def new_heartbeat_key() -> str:
    """
    A new heartbeat key, which is stored nowhere. To a fleet that runs already it must come by the
    rotation of the heartbeat key: every amphora would look dead otherwise.

    :return: 43 URL-safe characters

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.new_heartbeat_key
    """
    return secrets.new_heartbeat_key()


def fingerprints(saltenv: str = "base") -> dict[str, Any]:
    """
    What tells the certificates, secrets and controller list of this controller from those of
    another, as they stand in its files and in octavia.conf. Holds no secret, so it may go into the
    mine.

    :param saltenv: file server environment that holds the formula
    :return: fingerprints by name

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.fingerprints
    """
    node = _node(saltenv)
    option = comparing.in_force(_conf(node.config), node.option)
    return comparing.fingerprints(node.files, node.contents, option)


def _conf(path: str) -> str:
    try:
        with salt.utils.files.fopen(path, "rb") as stream:
            return stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def compare(
    tgt: str = CONTROLLERS, tgt_type: str = "pillar", nodes: dict[str, Any] | None = None
) -> list[dict[str, str]]:
    """
    Whether all controllers agree on CAs, passphrases, heartbeat key and the list of controllers.

    :param tgt: the controllers, whose mine has ``octavia_pki.fingerprints``
    :param tgt_type: how they are named
    :param nodes: fingerprints by node, in place of those in the mine
    :return: a finding for each difference, which names the nodes on either side
    :raises CommandExecutionError: when the mine has nothing from any of them

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.compare
    """
    given = nodes or __salt__["mine.get"](tgt, "octavia_pki.fingerprints", tgt_type)
    if not given:
        raise CommandExecutionError(
            "the mine has no octavia_pki.fingerprints: add it to mine_functions of the controllers "
            "and run mine.update there"
        )
    return comparing.compare(given)


def rotation(
    kind: str,
    old: str,
    new: str,
    nodes: dict[str, Any] | None = None,
    health_managers: dict[str, str] | None = None,
    told: bool = False,
    probe: str = "",
    cloud_name: str = "",
    tgt: str = CONTROLLERS,
    tgt_type: str = "pillar",
    saltenv: str = "base",
) -> dict[str, Any]:
    """
    Which stage of a rotation is due, read from the system: the controllers' fingerprints, and the
    amphorae, which are asked one by one. Changes nothing. Run ``mine.update`` on the controllers
    before it.

    :param kind: ``client_certificate``, ``server_ca``, ``client_ca``,
        ``server_certs_key_passphrase`` or ``heartbeat_key``
    :param old: fingerprint of what shall go, as :py:func:`fingerprints` has it
    :param new: fingerprint of what shall come; :py:func:`fingerprint` makes it
    :param nodes: fingerprints by controller, in place of those in the mine
    :param health_managers: ``running`` or ``stopped`` by controller, for the heartbeat key
    :param told: whether all amphorae have been told of the new heartbeat key
    :param probe: for the client CA a file with a certificate of the new CA and its key, by which
        amphorae are asked whether they let it in; without it none counts as moved
    :param cloud_name: a cloud of clouds.yaml that may list all amphorae, and load balancers;
        ``octavia:pki:cloud_name`` otherwise
    :param tgt: the controllers, whose mine has ``octavia_pki.fingerprints``
    :param tgt_type: how they are named
    :param saltenv: file server environment that holds the formula
    :return: ``stage`` (0 when nothing is left to do), ``stages``, ``name``, ``touches``,
        ``unreachable`` (what is lost by it; empty for nothing), ``where`` (the nodes or amphorae
        that it has not reached yet)
    :raises CommandExecutionError: for another kind, when the mine is empty, or when it takes the
        state of the health managers and that is not given

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.rotation server_ca OLD NEW cloud_name=octavia
    """
    try:
        rotating.stages_of(kind)
    except rotating.UnknownRotation as problem:
        raise CommandExecutionError(str(problem)) from problem
    given = nodes or __salt__["mine.get"](tgt, "octavia_pki.fingerprints", tgt_type)
    if not given:
        raise CommandExecutionError("the mine has no octavia_pki.fingerprints, see compare")
    if kind == rotating.HEARTBEAT and not health_managers:
        raise CommandExecutionError(
            "give health_managers={node: running or stopped} for every controller: what is due "
            "hangs on whether any of them runs"
        )
    amphorae: dict[str, bool | None] = {}
    if kind in (rotating.SERVER_CA, rotating.CLIENT_CA, rotating.HEARTBEAT):
        amphorae = _moved(kind, new, probe, cloud_name, saltenv)
    pending = 0
    if kind == rotating.PASSPHRASE:
        cloud = cloud_name or _node(saltenv).settings["cloud_name"]
        listed = __salt__["octaviav2.loadbalancer_list"](cloud_name=cloud)["loadbalancers"]
        pending = sum(item["provisioning_status"].startswith("PENDING") for item in listed)
    seen = rotating.Seen(old, new, given, amphorae, health_managers or {}, pending, told)
    return rotating.next_step(kind, seen)._asdict()


def heartbeat_key_changes(saltenv: str = "base") -> bool:
    """
    Whether the pillar has another heartbeat key than octavia.conf, which is to say than the
    amphorae of a site that runs.

    :param saltenv: file server environment that holds the formula
    :return: True when they differ; False where octavia.conf has none yet

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.heartbeat_key_changes
    """
    given = __salt__["octavia_config.pki"](saltenv)
    section, name = secrets.HEARTBEAT
    nothing = comparing.in_force(_conf(given["config"]), lambda *_: None)
    old = nothing(section, name)
    return old is not None and old != str(given["options"][section][name] or "")


def heartbeats(
    amphorae: list[str] | str, seconds: float = 0, saltenv: str = "base"
) -> dict[str, bool]:
    """
    With which key amphorae report: receives their heartbeats in place of the health manager of this
    controller, which must be stopped. Changes nothing.

    :param amphorae: their ids, a list or parted by commas
    :param seconds: how long to wait at most; 0 is time for two heartbeats of each, which go to the
        controllers in turn
    :param saltenv: file server environment that holds the formula
    :return: by id whether its last heartbeat was signed with the key of the pillar; an amphora that
        sent none is missing
    :raises CommandExecutionError: when the health manager runs here

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.heartbeats ID,ID
    """
    given = __salt__["octavia_config.pki"](saltenv)["options"]["health_manager"]
    ids = amphorae.split(",") if isinstance(amphorae, str) else amphorae
    turns = max(len(secrets.items(given["controller_ip_port_list"])), 1)
    wait = float(seconds) or 2.0 * turns * float(given["heartbeat_interval"] or 10)
    address, port = str(given["bind_ip"] or "0.0.0.0"), int(given["bind_port"] or 5555)
    key = str(given["heartbeat_key"] or "")
    try:
        return heartbeat.listen(address, port, key, ids, wait)
    except heartbeat.PortTaken as problem:
        raise CommandExecutionError(
            f"{problem}. Stop octavia-health-manager here, then run this again"
        ) from problem


def textfile(test: bool = False, saltenv: str = "base") -> dict[str, Any]:
    """
    Writes when the certificates of this controller end, and those of all amphorae where the pillar
    says ``octavia:pki:textfile_amphorae``, to ``octavia:pki:textfile`` for the node exporter.

    :param test: only tell whether it would be written
    :param saltenv: file server environment that holds the formula
    :return: ``path``, ``certificates`` (how many), ``changed``, and what was there ``before`` (None
        for nothing)
    :raises CommandExecutionError: when the pillar names no file, or its folder is not there

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.textfile
    """
    node = _node(saltenv)
    path = node.settings["textfile"]
    if not path:
        raise CommandExecutionError("octavia:pki:textfile names no file to write to")
    if not os.path.isdir(posixpath.dirname(path)):
        raise CommandExecutionError(
            f"{posixpath.dirname(path)} is not there: install the node exporter, or correct "
            "octavia:pki:textfile"
        )
    rows = expiring.of_files(node.files, node.contents, _now())
    if node.settings["textfile_amphorae"]:
        rows += _amphorae_rows(node.settings["cloud_name"])
    content = metrics.text(rows).encode("utf-8")
    was = _contents({"": names.File(path, "")}).get(path)
    if was != content and not test:
        _replace(path, content, 0o644, "root")
    before = None if was is None else "other certificates or ends"
    found = {"path": path, "certificates": len(rows), "before": before}
    return {**found, "changed": was != content}


def _amphorae_rows(cloud_name: str) -> list[dict[str, Any]]:
    """The rows of all amphorae; where the API does not answer, one that says so."""
    try:
        listed = __salt__["octaviav2.amphora_list"](cloud_name=cloud_name)["amphorae"]
    except CommandExecutionError as problem:
        return [expiring.unknown("amphora", "the API of Octavia", str(problem))]
    return expiring.of_amphorae(listed, _now())


def moved(
    kind: str, new: str, probe: str = "", cloud_name: str = "", saltenv: str = "base"
) -> dict[str, bool | None]:
    """
    Which amphorae are on a new CA: each is asked for the certificate that it shows, or whether it
    lets in a controller of the new CA. Changes nothing.

    :param kind: ``server_ca`` or ``client_ca``
    :param new: fingerprint of the new CA
    :param probe: for ``client_ca`` the file with a certificate of the new CA and its key
    :param cloud_name: a cloud of clouds.yaml that may list all amphorae, and load balancers;
        ``octavia:pki:cloud_name`` otherwise
    :param saltenv: file server environment that holds the formula
    :return: True or False by the id of each amphora in use; None for one that could not be asked

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.moved server_ca NEW
    """
    return _moved(kind, new, probe, cloud_name, saltenv)


def _moved(
    kind: str, new: str, probe: str, cloud_name: str, saltenv: str
) -> dict[str, bool | None]:
    """Which amphorae are on the new; None for one that could not be asked."""
    node = _node(saltenv)
    cloud = cloud_name or node.settings["cloud_name"]
    listed = __salt__["octaviav2.amphora_list"](cloud_name=cloud)["amphorae"]
    addresses = {
        item["id"]: item.get("lb_network_ip") for item in listed if item["status"] == ALLOCATED
    }
    port = int(node.option("haproxy_amphora", "bind_port"))
    bundle = probe or node.files[names.BUNDLE].path
    if kind == rotating.HEARTBEAT or (kind == rotating.CLIENT_CA and not probe):
        return dict.fromkeys(addresses)
    try:
        trusted = loading.certificates(node.contents[node.files[names.SERVER_TRUST].path])
    except (KeyError, pem.BadPem) as problem:
        raise CommandExecutionError("the trusted CAs cannot be read, see check") from problem
    found: dict[str, bool | None] = {}
    for name, address in addresses.items():
        try:
            answer = probing.ask(str(address), port, bundle)
        except probing.NotReached:
            found[name] = None
            continue
        found[name] = answer.lets_in
        if kind == rotating.SERVER_CA:
            found[name] = answer.certificate is not None and (
                probing.issuer(answer.certificate, trusted) == new
            )
    return found


def fingerprint(path: str) -> str:
    """
    The fingerprint of the first certificate in a file, as :py:func:`fingerprints` has it.

    :param path: the file
    :return: SHA-256 in hexadecimal digits
    :raises CommandExecutionError: when it cannot be read

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.fingerprint /root/new_server_ca.pem
    """
    try:
        with salt.utils.files.fopen(path, "rb") as stream:
            return loading.fingerprint(loading.certificates(stream.read())[0])
    except OSError as problem:
        raise CommandExecutionError(f"{path} cannot be read: {problem.strerror}") from problem
    except pem.BadPem as problem:
        raise CommandExecutionError(f"{path} {problem.reason}. {problem.remedy}") from problem


def deploy(test: bool = False, saltenv: str = "base") -> dict[str, Any]:
    """
    Brings certificates and keys of this controller to what the pillar says: its PEMs, or what is
    made here, or what another node signs, or only a check of what is there. Everything is checked
    before the first file is written.

    :param test: only tell what would be done
    :param saltenv: file server environment that holds the formula
    :return: ``changes`` (old and new of each file, no secrets), ``findings``, ``done`` (what was or
        would be made, in words), ``refused`` (whether an error among the findings stopped it)

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.deploy test=True
    """
    run = _Deployment(_node(saltenv), bool(test), saltenv)
    return run.run()


class _Deployment:
    """One run of :py:func:`deploy`."""

    def __init__(self, node: _Node, test: bool, saltenv: str) -> None:
        self.node = node
        self.test = test
        self.saltenv = saltenv
        self.now = _now()
        self.kind = make.Kind(*(node.settings[key] for key in make.Kind._fields))
        self.come_from = planning.sources(node.settings, __opts__["id"])
        self.wanted = dict(node.contents)
        # Files that would be made: nothing of theirs can be foretold.
        self.pending: dict[str, str] = {}
        self.found: list[dict[str, str]] = []
        self.done: list[str] = []

    def run(self) -> dict[str, Any]:
        """Plans, checks and writes."""
        self._plan()
        found = self.found + self._checked()
        if self.node.noservices:
            found = [_not_needed_yet(item) for item in found]
        refused = bool(findings.errors(found))
        changes = {} if refused else self._changes()
        if not self.test:
            for path in changes:
                self._write(path)
        return {
            "changes": changes,
            "findings": found + _secrets_found(self.node),
            "done": [] if refused else self.done,
            "refused": refused,
        }

    def _plan(self) -> None:
        node = self.node
        self.wanted.update(planning.from_pillar(node.files, node.settings))
        due = planning.authorities_due(node.files, self.come_from, self.wanted)
        if due and not self._may_make(due):
            return
        for part in due:
            self._authority(part)
        if self.come_from[planning.SERVER] == planning.GENERATED:
            self.wanted.update(planning.trust_added(node.files, self.wanted))
        if self.come_from[planning.CLIENT] in (planning.GENERATED, planning.REMOTE):
            self._client()

    def _may_make(self, due: list[str]) -> bool:
        """
        Whether CAs may be made: no amphora may be left that knows others, and no file either.
        """
        called = " and ".join(planning.CALLED[part] for part in due)
        path = "octavia:pki:generate"
        for part in due:
            for left in planning.orphans(self.node.files, part, self.wanted):
                reason = f"would make a new {planning.CALLED[part]}, of which {left} is left"
                remedy = "Restore the missing file from a backup or the pillar, or move this away"
                self.found.append(findings.error(path, left, reason, remedy))
        if self.found:
            return False
        if self.node.noservices:
            reason = f"does not make the {called} here: the grain noservices keeps it from asking "
            reason += "the database for amphorae that know another"
            remedy = "It is made where services run"
            self.found.append(findings.warning(path, True, reason, remedy))
            return False
        answer = self._amphorae()
        if answer.get("amphorae") == 0:
            return True
        if "error" in answer and self.test:
            # Packages and settings of this very run may be what is lacking.
            reason = f"would ask the database for amphorae first, and cannot yet: {answer['text']}"
            remedy = "Nothing is made if it cannot be asked then, or knows any"
            self.found.append(findings.warning(path, True, reason, remedy))
            return True
        if "error" in answer:
            reason = (
                f"cannot make the {called}: the database does not tell whether there are amphorae "
                f"that know another ({answer['error']}: {answer['text']})"
            )
            remedy = "Mend the connection to the database, then run this again"
        else:
            reason = (
                f"would make a new {called}, and {answer['amphorae']} amphorae know another, which "
                "could not be reached any more"
            )
            remedy = "Restore the files from a backup, or give them by the pillar octavia:pki"
        self.found.append(findings.error(path, True, reason, remedy))
        return False

    def _amphorae(self) -> dict[str, Any]:
        try:
            return __salt__["octavia_db.amphorae"](self.saltenv)
        except CommandExecutionError as problem:
            return {"error": "program", "text": str(problem)}

    def _authority(self, part: str) -> None:
        node, called = self.node, planning.CALLED[part]
        self.done.append(f"a new {called}")
        if self.test:
            trust = names.SERVER_TRUST if part == planning.SERVER else names.CLIENT_TRUST
            for name in (*planning.PARTS[part], trust):
                self.pending[node.files[name].path] = f"a new {called}"
            return
        days = node.settings[part]["days"]
        self.wanted.update(
            planning.new_authority(node.files, part, self.kind, days, node.passphrase, self.now)
        )

    def _client(self) -> None:
        node, files = self.node, self.node.files
        why = "its CA is new"
        if files[names.CLIENT_TRUST].path not in self.pending:
            why = planning.why_client_due(files, node.settings, self.wanted, self.now)
        if not why:
            self.wanted.update(planning.halves(files, self.wanted))
            return
        self.done.append(f"a new client certificate for {__opts__['id']}: {why}")
        if self.test:
            for name in (names.BUNDLE, names.CERT, names.CERT_KEY):
                if name in files:
                    self.pending[files[name].path] = "a new client certificate"
            return
        try:
            texts = self._issued()
        except pem.BadPem as problem:
            remote = self.come_from[planning.CLIENT] == planning.REMOTE
            path = "octavia:pki:client:ca_server" if remote else files[names.CLIENT_CA_KEY].pillar
            self.found.append(findings.error(path, None, problem.reason, problem.remedy))
            return
        self.wanted.update(planning.by_path(files, texts))

    def _issued(self) -> dict[str, str]:
        node, name = self.node, __opts__["id"]
        key = make.new_key(self.kind)
        text = make.key_to_pem(key)
        given = node.settings[planning.CLIENT]
        if self.come_from[planning.CLIENT] == planning.REMOTE:
            return planning.client_files(self._signed(text, given), text)
        issuer = planning.issuer(node.files, self.wanted, node.passphrase)
        certificate = make.client(name, key, *issuer, given["days"], self.now)
        return planning.client_files(loading.to_pem(certificate), text)

    def _signed(self, key: str, given: Mapping[str, Any]) -> str:
        """A certificate that another node signs; the key stays here."""
        if "x509.encode_certificate" not in __salt__:
            reason = "cannot be signed elsewhere: Salt's module x509_v2 is not loaded"
            remedy = "Set features: {x509_v2: true} in the configuration of this minion"
            raise pem.BadPem(reason, remedy)
        try:
            answer = __salt__["x509.create_certificate"](
                ca_server=given["ca_server"],
                signing_policy=given["signing_policy"],
                private_key=key,
                CN=__opts__["id"],
                # The clocks of the two nodes, and of amphorae, are never quite the same.
                not_before=f"{self.now - make.BACK:%Y-%m-%d %H:%M:%S}",
                days_valid=given["days"],
                basicConstraints="critical, CA:false",
                keyUsage="critical, digitalSignature, keyEncipherment",
                extendedKeyUsage="clientAuth",
                subjectKeyIdentifier="hash",
                authorityKeyIdentifier="keyid",
            )
            return pem.repair(str(answer))[0]
        except (CommandExecutionError, SaltInvocationError) as problem:
            reason = f"was not signed by {given['ca_server']}: {problem}"
            remedy = "See x509_signing_policies there, and peer in the master's configuration"
            raise pem.BadPem(reason, remedy) from problem

    def _checked(self) -> list[dict[str, str]]:
        """What would be wrong; of files that are not made yet nothing is known."""
        given = self.node.material(self.wanted)
        found = checking.check(given, self.now, self.node.settings["warn_days"])
        return [item for item in found if item["value"] not in self.pending]

    def _changes(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        before = self.node.contents
        # The bundle is what Octavia reads: after a kill the next run makes the rest of it.
        order = {file.path: place for place, file in enumerate(self._in_order())}
        for path in sorted(self.wanted, key=lambda path: order.get(path, -1)):
            if self.wanted[path] != before.get(path):
                old, new = (planning.describe(item.get(path)) for item in (before, self.wanted))
                if old == new:
                    new = f"{new}, in another form"
                changes[path] = {"old": old, "new": new}
        for path, what in self.pending.items():
            changes[path] = {"old": planning.describe(before.get(path)), "new": what}
        return changes

    def _in_order(self) -> list[names.File]:
        first = (names.CA_KEY, names.CLIENT_CA_KEY, names.BUNDLE)
        files = self.node.files
        return [files[name] for name in (*first, *files) if name in files]

    def _write(self, path: str) -> None:
        mode = FILE_MODE
        group = self.node.group
        if _is_client_ca_key(self.node.files, path):
            mode, group = CA_KEY_MODE, "root"
        _make_directory(posixpath.dirname(path), self.node.group)
        _replace(path, self.wanted[path], mode, group)


def _is_client_ca_key(files: Mapping[str, names.File], path: str) -> bool:
    own = files.get(names.CLIENT_CA_KEY)
    return own is not None and own.path == path and not names.is_one_ca(files)


def _not_needed_yet(item: dict[str, str]) -> dict[str, str]:
    """Where no service runs, a missing file is told of and stops nothing."""
    if item["reason"] != "is not there":
        return item
    return {**item, "level": findings.WARNING}


def _is_own(directory: str) -> bool:
    return any(
        f"{directory}/".startswith(own) and f"{directory}/" != own for own in OWN_DIRECTORIES
    )


def _make_directory(directory: str, group: str) -> None:
    if os.path.isdir(directory):
        return
    _make_directory(posixpath.dirname(directory), group)
    own = _is_own(directory)
    os.mkdir(directory, 0o700 if own else 0o755)
    if own:
        os.chown(directory, 0, grp.getgrnam(group).gr_gid)
        os.chmod(directory, DIRECTORY_MODE)


def _replace(path: str, content: bytes, mode: int, group: str) -> None:
    """Puts a new file in the place of an old one, closed from its first moment on."""
    number = grp.getgrnam(group).gr_gid
    handle, name = tempfile.mkstemp(dir=posixpath.dirname(path), prefix=".octavia-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchown(stream.fileno(), 0, number)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def protect(test: bool = False, saltenv: str = "base") -> dict[str, Any]:
    """
    Sets owner and mode of the certificates, keys and their directories: ``root:octavia`` 0640 and
    0750. Only files and directories below /etc/octavia and /var/lib/octavia are touched, and only
    those that are there.

    :param test: only tell what would be done
    :param saltenv: file server environment that holds the formula
    :return: old and new of each file and directory that differs

    CLI Example:

    .. code-block:: bash

        salt-call octavia_pki.protect test=True
    """
    given = __salt__["octavia_config.pki"](saltenv)
    files = {name: names.File(**file) for name, file in given["files"].items()}
    changes: dict[str, Any] = {}
    for path, mode, group in _wanted_access(files, given["group"]):
        try:
            status = os.stat(path)
        except OSError:
            continue
        old = f"{_owner(status.st_uid)}:{_group(status.st_gid)} {status.st_mode & 0o7777:04o}"
        new = f"root:{group} {mode:04o}"
        if old == new:
            continue
        changes[path] = {"old": old, "new": new}
        if not test:
            os.chown(path, 0, grp.getgrnam(group).gr_gid)
            os.chmod(path, mode)
    return changes


def _wanted_access(files: Mapping[str, names.File], group: str) -> list[tuple[str, int, str]]:
    paths = dict.fromkeys(file.path for file in files.values() if _is_own(file.path))
    wanted = [
        (path, CA_KEY_MODE, "root") if _is_client_ca_key(files, path) else (path, FILE_MODE, group)
        for path in paths
    ]
    directories = dict.fromkeys(posixpath.dirname(path) for path in paths)
    return wanted + [(path, DIRECTORY_MODE, group) for path in directories if _is_own(path)]
