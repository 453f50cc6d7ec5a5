"""Bad input: each mistake in the pillar is one finding with path, value, reason and remedy."""

import json

import octavia_findings as findings
import pytest
from given import GOOD, REMOVED, SECRETS, at, built, changed

ERROR, WARNING, HIDDEN = "error", "warning", findings.MASK


def on(release, **changes):
    """Changes of a pillar for another release; `__` in a name stands for a colon."""
    versions = {f"{role}:version": release for role in ("api", "manager")}
    return {**versions, **{name.replace("__", ":"): value for name, value in changes.items()}}


PASSPHRASE = "url-safe-32-characters-as-wanted"
HEALTH = "manager:health_manager"

# What is wrong -> the one finding: level, path below `octavia`, shown value, and words that reason
# and remedy must have.
BAD = {
    "an unknown key at the top": (
        {"mangaer": {}},
        (ERROR, "mangaer", "", "is an unknown key", "Did you mean manager?"),
    ),
    "a key at the top that is no text": (
        {"5": {}},
        (ERROR, "5", "", "is an unknown key", "Known keys are api, manager, client, pki"),
    ),
    "a role that is empty": (
        {"api": None},
        (ERROR, "api", "", "is not a mapping", "Write the settings of the role below octavia:api"),
    ),
    "a role that is a list": (
        {"api": ["enabled"]},
        (ERROR, "api", "['enabled']", "is not a mapping", "below octavia:api"),
    ),
    "enabled in quotes": (
        {"api:enabled": "yes"},
        (ERROR, "api:enabled", "yes", "is neither true nor false", "without quotes"),
    ),
    "enabled as a number": (
        {"manager:enabled": 1},
        (ERROR, "manager:enabled", "1", "is neither true nor false", "without quotes"),
    ),
    "enabled left out": (
        {"manager:enabled": REMOVED},
        (WARNING, "manager:enabled", "", "is missing, so the role is left out", "to true or false"),
    ),
    "an unknown role towards the database": (
        {"api:role": "secondry"},
        (ERROR, "api:role", "secondry", "does not say whether", "Write primary or secondary"),
    ),
    "no version": (
        {"api:version": REMOVED},
        (ERROR, "api:version", "", "is missing", "for example zed or 2025.1"),
    ),
    "an unknown version": (
        {"manager:version": "zedd"},
        (ERROR, "manager:version", "zedd", "is no release of OpenStack", "Known are ocata, pike"),
    ),
    "two versions on one node": (
        {"manager:version": "2025.1"},
        (ERROR, "api:version", "zed", "contradicts octavia:manager:version", "the same release"),
    ),
    "no database": (
        {"api:database": REMOVED},
        (ERROR, "api:database", "", "is missing", "Set octavia:api:database with host, name, user"),
    ),
    "no identity": (
        {"manager:identity": REMOVED},
        (ERROR, "manager:identity", "", "is missing", "with host, user, password"),
    ),
    "no broker": (
        {"manager:message_queue": REMOVED},
        (ERROR, "manager:message_queue", "", "is missing", "with host or members, user, password"),
    ),
    "no host of the database": (
        {"api:database:host": REMOVED},
        (ERROR, "api:database:host", "", "is missing", "Set octavia:api:database:host"),
    ),
    "no password of the database": (
        {"api:database:password": REMOVED},
        (ERROR, "api:database:password", "", "is missing", "Set octavia:api:database:password"),
    ),
    "a password that PyMySQL cannot send": (
        {"api:database:password": "s3cr3t-密"},
        (ERROR, "api:database:password", HIDDEN, "beyond Latin-1", "Choose another password"),
    ),
    "a name at which the database's URL ends": (
        {"api:database:name": "octavia?x"},
        (ERROR, "api:database:name", "octavia?x", "SQLAlchemy ends", "Choose another name"),
    ),
    "a broker's password with a slash": (
        {"manager:message_queue:password": "s3cr3t/x"},
        (ERROR, "manager:message_queue:password", HIDDEN, "holds '/'", "Choose another password"),
    ),
    "a broker's user with a slash": (
        {"api:message_queue:user": "open/stack"},
        (ERROR, "api:message_queue:user", "open/stack", "holds '/'", "Choose another user"),
    ),
    "a virtual host that the broker's library would cut": (
        {"api:message_queue:virtual_host": "/a?b"},
        (
            ERROR,
            "api:message_queue:virtual_host",
            "/a?b",
            "would cut",
            "Choose another virtual_host",
        ),
    ),
    "an empty password of the database": (
        {"api:database:password": None},
        (ERROR, "api:database:password", "", "is missing", "Set octavia:api:database:password"),
    ),
    "an empty host of identity": (
        {"manager:identity:host": None},
        (ERROR, "manager:identity:host", "", "is missing", "Set octavia:manager:identity:host"),
    ),
    "neither host nor members of the broker": (
        {"api:message_queue:host": REMOVED},
        (
            ERROR,
            "api:message_queue:host|members",
            "",
            "is missing",
            "message_queue:host or members",
        ),
    ),
    "a database that is a URL": (
        {"api:database": "mysql://octavia:db-secret@10.0.0.2/octavia"},
        (ERROR, "api:database", HIDDEN, "is not a mapping", "Write the options below it"),
    ),
    "an empty database": (
        {"manager:database": None},
        (ERROR, "manager:database", "", "is not a mapping", "Write the options below it"),
    ),
    "an unknown engine": (
        {"api:database:engine": "oracle"},
        (ERROR, "api:database:engine", "oracle", "must be one of mysql, postgresql", "Choose one"),
    ),
    "an unknown scheme of Keystone": (
        {"api:identity:protocol": "htps"},
        (ERROR, "api:identity:protocol", "htps", "must be one of http, https", "Choose one of"),
    ),
    "an unknown endpoint type": (
        {"manager:identity:endpoint_type": "intern"},
        (ERROR, "manager:identity:endpoint_type", "intern", "must be one of", "internal, public"),
    ),
    "a port out of range": (
        {"api:bind:port": 70000},
        (ERROR, "api:bind:port", "70000", "must be at most 65535, not 70000", "of type port"),
    ),
    "a negative port": (
        {"api:database:port": -1},
        (ERROR, "api:database:port", "-1", "must be at least 1, not -1", "of type port"),
    ),
    "a port that is a word": (
        {"manager:message_queue:port": "amqp"},
        (ERROR, "manager:message_queue:port", "amqp", "must be a port number", "of type port"),
    ),
    "a port with a point": (
        {"manager:identity:port": 5000.5},
        (ERROR, "manager:identity:port", "5000.5", "must be a port number", "of type port"),
    ),
    "a host with a port": (
        {"api:database:host": "db.example.org:3306"},
        (ERROR, "api:database:host", "db.example.org:3306", "must be a host name or an IP", ""),
    ),
    "a host name to listen on": (
        {"api:bind:address": "controller"},
        (
            ERROR,
            "api:bind:address",
            "controller",
            "must be an IPv4 or IPv6",
            "[api_settings] bind_h",
        ),
    ),
    "processes in words": (
        {"api:bind:processes": "many"},
        (ERROR, "api:bind:processes", "many", "must be a whole number", "of type integer"),
    ),
    "a certificate without its key": (
        {"api:bind:cert_file": "/etc/ssl/api.pem"},
        (
            *(ERROR, "api:bind:cert_file", "", "is of no use without key_file"),
            "Set octavia:api:bind:key_file too",
        ),
    ),
    "a key without its certificate": (
        {"api:bind:key_file": "/etc/ssl/api.key"},
        (
            *(ERROR, "api:bind:key_file", "", "is of no use without cert_file"),
            "Set octavia:api:bind:cert_file too",
        ),
    ),
    "a password that YAML takes for a boolean": (
        {"api:database:password": True},
        (ERROR, "api:database:password", HIDDEN, "must be text, not a boolean", "quotes"),
    ),
    "a password that YAML takes for a number with a point": (
        {"api:identity:password": 1.10},
        (ERROR, "api:identity:password", HIDDEN, "put it in quotes", "of type string"),
    ),
    "a password that is a mapping": (
        {"manager:message_queue:password": {"x": "mq-secret"}},
        (ERROR, "manager:message_queue:password", HIDDEN, "must be text, not a mapping", ""),
    ),
    "a misspelt password": (
        {"api:database:passwrod": "db-secret"},
        (ERROR, "api:database:passwrod", "", "is neither a key of the formula", "mean password"),
    ),
    "a misspelt passphrase": (
        {"manager:certificates:ca_private_key_pasphrse": "ca-secret"},
        (
            ERROR,
            "manager:certificates:ca_private_key_pasphrse",
            "",
            "[certificates] ca_private_key_passphrase or",
            "",
        ),
    ),
    "an unknown key of bind": (
        {"api:bind:adress": "10.0.0.1"},
        (ERROR, "api:bind:adress", "", "is neither a key of the formula", "Did you mean address"),
    ),
    "a key of identity that YAML takes for a boolean": (
        {"api:identity:True": "x"},
        (ERROR, "api:identity:True", "", "nor an option of [keystone_authtoken]", "Known keys"),
    ),
    "members that are no list": (
        {"api:message_queue:members": "10.0.0.4"},
        (ERROR, "api:message_queue:members", "10.0.0.4", "is not a list of members", "with host"),
    ),
    "no members at all": (
        {"api:message_queue:members": []},
        (ERROR, "api:message_queue:members", "[]", "is not a list of members", "with host"),
    ),
    "a member that is a name": (
        {"api:message_queue:members": ["10.0.0.4"]},
        (ERROR, "api:message_queue:members:0", "10.0.0.4", "is not a mapping", "name: value"),
    ),
    "a member without host": (
        {"api:message_queue:members": [{"host": "10.0.0.4"}, {"port": 5672}]},
        (ERROR, "api:message_queue:members:1:host", "", "is missing", "members:1:host"),
    ),
    "a member with an empty host": (
        {"api:cache:members": [{"host": None}]},
        (
            ERROR,
            "api:cache:members:0:host",
            "",
            "is missing",
            "Set octavia:api:cache:members:0:host",
        ),
    ),
    "a member with a port out of range": (
        {"api:cache:members": [{"host": "10.0.0.5", "port": 112110}]},
        (ERROR, "api:cache:members:0:port", "112110", "must be at most 65535", "of type port"),
    ),
    "a notification that is a word": (
        {"api:notification": "maybe"},
        (ERROR, "api:notification", "maybe", "is not a mapping", "Write the options below it"),
    ),
    "a debug that is no boolean": (
        {"api:debug": "maybe"},
        (ERROR, "api:debug", "maybe", "must be true or false", "[DEFAULT] debug"),
    ),
    "a value outside the choices": (
        {"manager:controller_worker:loadbalancer_topology": "DOUBLE"},
        (
            *(ERROR, "manager:controller_worker:loadbalancer_topology", "DOUBLE"),
            *("must be one of ACTIVE_STANDBY, SINGLE, not 'DOUBLE'", "[controller_worker] loadb"),
        ),
    ),
    "an option of the wrong type": (
        {"manager:health_manager:health_check_interval": "often"},
        (
            *(ERROR, "manager:health_manager:health_check_interval", "often"),
            *("must be a whole number", "Correct it; [health_manager] health_check_interval"),
        ),
    ),
    "an address that is none": (
        {"manager:health_manager:bind_ip": "10.0.0.256"},
        (ERROR, "manager:health_manager:bind_ip", "10.0.0.256", "must be an IPv4 or IPv6", ""),
    ),
    "an unknown option": (
        {"manager:controller_worker:amp_image_tags": "amphora"},
        (
            *(ERROR, "manager:controller_worker:amp_image_tags", ""),
            *("nor an option of [controller_worker]", "Did you mean amp_image_tag"),
        ),
    ),
    "an unknown section": (
        {"manager:controller_workers": {"amp_image_tag": "amphora"}},
        (
            *(ERROR, "manager:controller_workers", "", "is neither a key of the formula nor a s"),
            "Did you mean controller_worker? A section of an added driver goes under octavia:m",
        ),
    ),
    "a section that is no mapping": (
        {"manager:house_keeping": 30},
        (ERROR, "manager:house_keeping", "30", "is not a mapping", "name: value"),
    ),
    "a section of another release that is no mapping": (
        {"manager:anchor": "http://anchor"},
        (ERROR, "manager:anchor", "http://anchor", "is not a mapping", "name: value"),
    ),
    "certificates that are empty": (
        {"manager:certificates": None},
        (ERROR, "manager:certificates", "", "is not a mapping", "name: value"),
    ),
    "a passphrase of the wrong length": (
        {"manager:certificates:server_certs_key_passphrase": "too-short-secret"},
        (
            *(ERROR, "manager:certificates:server_certs_key_passphrase", HIDDEN),
            *("must match", "[certificates] server_certs_key_passphrase needs it"),
        ),
    ),
    "a heartbeat key that is a list": (
        {"manager:health_manager:heartbeat_key": ["hm-secret"]},
        (ERROR, "manager:health_manager:heartbeat_key", HIDDEN, "must be text, not a list", ""),
    ),
    "a broker's URL with a line break": (
        {"api:message_queue": {"transport_url": "rabbit://u:mq-secret@h\n/"}, "manager": REMOVED},
        (ERROR, "api:message_queue:transport_url", HIDDEN, "must not contain a line break", ""),
    ),
    "a known option under config": (
        {"manager:config": {"health_manager": {"heartbeat_key": "hm-secret"}}},
        (
            *(ERROR, "manager:config:health_manager:heartbeat_key", HIDDEN),
            *(
                "would escape every check",
                "Move it to octavia:manager:health_manager:heartbeat_key",
            ),
        ),
    ),
    "a config that is no mapping": (
        {"api:config": ["x"]},
        (ERROR, "api:config", "['x']", "is not a mapping", "name: value"),
    ),
    "a section of config that is no mapping": (
        {"api:config": {"vendor": 1}},
        (ERROR, "api:config:vendor", "1", "is not a mapping", "name: value"),
    ),
    "services that are no mapping": (
        {"services": ["octavia-api"]},
        (ERROR, "services", "['octavia-api']", "is not a mapping", "Write unit names below it"),
    ),
    "a unit that is none": (
        {"services": {"octavia-workers": {"LimitNOFILE": 1}}},
        (ERROR, "services:octavia-workers", "", "is no unit of Octavia", "octavia-driver-agent"),
    ),
    "a unit without settings": (
        {"services": {"octavia-api": None}},
        (ERROR, "services:octavia-api", "", "is not a mapping of names to single", "[Service]"),
    ),
    "a unit's setting of two lines": (
        {"services": {"octavia-api": {"Nice": "5\nUser=root"}}},
        (ERROR, "services:octavia-api", "{'Nice': '5\\nUser=root'}", "single values", "one value"),
    ),
    "ssh that is the key itself": (
        {"manager:ssh": "ssh-secret"},
        (ERROR, "manager:ssh", HIDDEN, "is not a mapping", "Write private_key"),
    ),
    "an unknown key of ssh": (
        {"manager:ssh:key": "ssh-secret"},
        (ERROR, "manager:ssh:key", "", "is an unknown key", "private_key_file, user, group"),
    ),
    "clouds that are no mapping": (
        {"client:clouds": ["cloud-secret"]},
        (ERROR, "client:clouds", HIDDEN, "is not a mapping", "as clouds.yaml has them"),
    ),
    "roles that say different things": (
        {"manager:database:password": "db-secret-2"},
        (
            *(ERROR, "manager:database", ""),
            "contradicts octavia:api:database: both set [database] connection",
            "Give octavia:manager:database and octavia:api:database the same value",
        ),
    ),
    "roles that know different Keystones": (
        {"manager:identity:host": "10.0.0.33"},
        (ERROR, "manager:identity:host", "", "contradicts octavia:api:identity:host", "same value"),
    ),
    "roles that name different options": (
        {"api:controller_worker": {"loadbalancer_topology": "ACTIVE_STANDBY"}},
        (
            *(ERROR, "manager:controller_worker:loadbalancer_topology", ""),
            *("contradicts octavia:api:controller_worker:loadbalancer_topology", "the same value"),
        ),
    ),
    "an option that the release has no longer": (
        {"manager:house_keeping": {"spare_amphora_pool_size": 0}},
        (
            *(WARNING, "manager:house_keeping:spare_amphora_pool_size", "0"),
            *(
                "was removed in xena",
                "It was left out of the file; remove it from the pillar for z",
            ),
        ),
    ),
    "an API that the release has no longer": (
        {"api:api_v1_enabled": False},
        (WARNING, "api:api_v1_enabled", "False", "was removed in train", "left out of the file"),
    ),
    "an option that the release does not have yet": (
        {"api:networking": {"use_remote_group_for_lb_peer_ports": True}},
        (
            *(WARNING, "api:networking:use_remote_group_for_lb_peer_ports", "True"),
            *("comes in 2026.2", "left out of the file"),
        ),
    ),
    "networks that the release cannot deny": (
        {"api:networking": {"denylist_vip_networks": ["10.0.0.0/8"]}},
        (
            *(ERROR, "api:networking:denylist_vip_networks", "['10.0.0.0/8']"),
            *("comes in 2026.2, and security hangs on it", "if zed may do without"),
        ),
    ),
    "a minimum of TLS that the release cannot demand": (
        on("ussuri", api__api_settings={"minimum_tls_version": "TLSv1.2"}),
        (
            *(ERROR, "api:api_settings:minimum_tls_version", "TLSv1.2"),
            *("comes in victoria, and security hangs on it", "if ussuri may do without"),
        ),
    ),
    "ciphers that the release cannot prohibit": (
        on("train", api__api_settings={"tls_cipher_prohibit_list": "RC4-MD5"}),
        (
            *(ERROR, "api:api_settings:tls_cipher_prohibit_list", "RC4-MD5"),
            *("comes in victoria, and security hangs on it", "if train may do without"),
        ),
    ),
    "a passphrase for which the release has no use": (
        on("pike", manager__certificates__server_certs_key_passphrase=PASSPHRASE),
        (
            *(ERROR, "manager:certificates:server_certs_key_passphrase", HIDDEN),
            *("comes in queens, and security hangs on it", "if pike may do without"),
        ),
    ),
    "scope that the release cannot enforce": (
        on("pike", api__oslo_policy={"enforce_scope": "yes"}),
        (
            *(ERROR, "api:oslo_policy:enforce_scope", "yes"),
            *("comes in queens, and security hangs on it", "if pike may do without"),
        ),
    ),
    "scope that the release cannot but enforce": (
        on("2026.2", api__oslo_policy={"enforce_scope": False}),
        (
            *(ERROR, "api:oslo_policy:enforce_scope", "False"),
            *("was removed in 2026.2, and security hangs on it", "if 2026.2 may do without"),
        ),
    ),
    "scope that the release enforces by itself": (
        on("2026.2", api__oslo_policy={"enforce_scope": True}),
        (
            *(WARNING, "api:oslo_policy:enforce_scope", "True"),
            *("was removed in 2026.2", "Scope is always enforced. It was left out of the file"),
        ),
    ),
    "an option that another one replaced": (
        {"manager:controller_worker:amp_image_id": "1b2c"},
        (
            *(WARNING, "manager:controller_worker:amp_image_id", "1b2c"),
            *("was removed in victoria", "[controller_worker] amp_image_tag takes its place. It w"),
        ),
    ),
    "Neutron's own account before it had one": (
        {"api:neutron": {"auth_url": "http://k/v3"}},
        (
            *(WARNING, "api:neutron:auth_url", "http://k/v3"),
            *("comes in 2023.2", "Until 2023.2 [service_auth] serves Neutron too"),
        ),
    ),
    "an option that will go": (
        on("2023.1", manager__controller_worker__user_data_config_drive=True),
        (
            *(WARNING, "manager:controller_worker:user_data_config_drive", "True"),
            "is deprecated in 2023.1: User_data nova option is not used and is too small",
            "A later release will not have it",
        ),
    ),
    "an option that a point release brought": (
        {"manager:controller_worker:db_commit_retry_attempts": 10},
        (
            *(WARNING, "manager:controller_worker:db_commit_retry_attempts", "10"),
            "came to zed after its first version, with 11.0.3 at the latest",
            "Make sure that the installed packages are that new",
        ),
    ),
    "more passphrases than the release takes": (
        {"manager:certificates:server_certs_key_passphrase": [PASSPHRASE, PASSPHRASE[::-1]]},
        (
            *(WARNING, "manager:certificates:server_certs_key_passphrase", HIDDEN),
            *("zed takes one value here: the first of 2 was written", "The rest was left out"),
        ),
    ),
    "a passphrase of a list that is too short": (
        on(
            "2025.2",
            manager__certificates__server_certs_key_passphrase=[PASSPHRASE, "too-short-secret"],
        ),
        (
            *(ERROR, "manager:certificates:server_certs_key_passphrase", HIDDEN),
            *("item 2 must match", "[certificates] server_certs_key_passphrase needs it"),
        ),
    ),
    "more interfaces than the release takes": (
        {"api:neutron": {"valid_interfaces": ["internal", "public"]}},
        (
            *(WARNING, "api:neutron:valid_interfaces", "['internal', 'public']"),
            *("only the first of 2 interfaces was written", "The rest was left out of the file"),
        ),
    ),
    "audit before Octavia had it": (
        on("rocky", api__audit={"enabled": True}),
        (
            *(WARNING, "api:audit:enabled", "True"),
            *("[audit] enabled comes in stein", "left out of the file"),
        ),
    ),
    "a key for which there is no place": (
        {"api:audit": {"enabled": True, "filter_factory": "x"}},
        (WARNING, "api:audit:filter_factory", "", "does nothing", "Remove it from the pillar"),
    ),
    "a URL beside the parts of another": (
        {"api:database:connection": "sqlite:///x", "manager": REMOVED},
        (
            *(WARNING, "api:database:connection", ""),
            *("takes the place of host, name, user, password", "Remove the one or the other"),
        ),
    ),
    "a broker's URL beside the parts of another": (
        {"api:message_queue:transport_url": "rabbit://u:x@h/", "manager": REMOVED},
        (
            *(WARNING, "api:message_queue:transport_url", ""),
            *("takes the place of host, virtual_host, user, password", "Remove the one or"),
        ),
    ),
    "Keystone's URL beside its host": (
        {"api:identity:auth_url": "http://10.0.0.3:5000/v3"},
        (
            *(WARNING, "api:identity:auth_url", ""),
            *("takes the place of host, which have no effect", "Remove the one or the other"),
        ),
    ),
    "a user without password": (
        {"api:identity": {"auth_url": "http://k/v3", "user": "octavia"}, "manager": REMOVED},
        (ERROR, "api:identity:user", "", "is of no use without password", "identity:password too"),
    ),
    "a project without user": (
        {"api:identity": {"auth_url": "http://k/v3", "tenant": "service"}, "manager": REMOVED},
        (ERROR, "api:identity:tenant", "service", "says nothing without user", ""),
    ),
    "an address under two names": (
        {"api:api_settings": {"bind_host": "10.0.0.9"}},
        (
            *(WARNING, "api:bind:address", ""),
            "has no effect: octavia:api:api_settings:bind_host sets [api_settings] bind_host",
            "Remove the one or the other",
        ),
    ),
    "debug that is both": (
        {"api:debug": True, "api:DEFAULT": {"debug": False}},
        (
            *(ERROR, "api:DEFAULT:debug", ""),
            "contradicts octavia:api:debug: both set [DEFAULT] debug, and a role has one octavia.",
            "the same value",
        ),
    ),
    "port 0 to listen on": (
        {"api:bind:port": 0},
        (ERROR, "api:bind:port", "0", "must be at least 1, not 0", "of type port"),
    ),
    "port 0 in a section": (
        {"manager:haproxy_amphora:bind_port": 0},
        (
            *(ERROR, "manager:haproxy_amphora:bind_port", "0", "must be at least 1, not 0"),
            "[haproxy_amphora] bind_port needs it",
        ),
    ),
    "port 0 of a member": (
        {"api:cache:members": [{"host": "10.0.0.5", "port": 0}]},
        (ERROR, "api:cache:members:0:port", "0", "must be at least 1, not 0", "of type port"),
    ),
    "no process": (
        {"api:bind:processes": 0},
        (ERROR, "api:bind:processes", "0", "must be at least 1, not 0", "of type integer"),
    ),
    "no thread": (
        {"api:bind:threads": "0"},
        (ERROR, "api:bind:threads", "0", "must be at least 1, not 0", "of type integer"),
    ),
    "an unknown key of a member": (
        {"api:cache:members": [{"host": "10.0.0.5", "prot": 11211}]},
        (ERROR, "api:cache:members:0:prot", "", "is an unknown key", "Known keys: host, port"),
    ),
    "another cache": (
        {"api:cache": {"engine": "redis", "members": [{"host": "10.0.0.5"}]}},
        (ERROR, "api:cache:engine", "redis", "must be one of memcached", "Choose one of memcached"),
    ),
    "a role towards the database for controllers": (
        {"manager:role": "primary"},
        (ERROR, "manager:role", "", "is no key of octavia:manager", "move it to octavia:api:role"),
    ),
    "a key to the amphorae for the API": (
        {"api:ssh": {"private_key": "ssh-secret"}},
        (ERROR, "api:ssh", "", "is no key of octavia:api", "move it to octavia:manager:ssh"),
    ),
    "a key to the amphorae for the client": (
        {"client:ssh": {"private_key": "ssh-secret"}},
        (ERROR, "client:ssh", "", "is an unknown key", "Known keys are enabled, clouds"),
    ),
    "an unknown key of the client": (
        {"client:clouds_fil": "/etc/openstack/clouds.yaml"},
        (ERROR, "client:clouds_fil", "", "is an unknown key", "Did you mean clouds_file?"),
    ),
    "a file of clouds that is nowhere": (
        {"client:clouds_file": "clouds.yaml"},
        (ERROR, "client:clouds_file", "clouds.yaml", "is no absolute path", "from / on"),
    ),
    "a key file that is nowhere": (
        {"manager:ssh:private_key_file": "id_rsa"},
        (ERROR, "manager:ssh:private_key_file", "id_rsa", "is no absolute path", "from / on"),
    ),
    "an owner that is a number": (
        {"manager:ssh:user": 42},
        (ERROR, "manager:ssh:user", "42", "is no text", "Write it as text"),
    ),
    "the owner of no key": (
        {"manager:ssh": {"user": "octavia"}},
        (WARNING, "manager:ssh:private_key", "", "is missing, so no key is written", "remove ssh"),
    ),
    "a server for the controllers": (
        {"manager:bind": {"processes": 4}},
        (WARNING, "manager:bind:processes", "", "has no effect below octavia:manager", "api:bind"),
    ),
    "a setting that systemd would not know": (
        {"services": {"octavia-api": {"timeout_stop_sec": 5}}},
        (
            *(ERROR, "services:octavia-api:timeout_stop_sec", ""),
            *("has not the form of a setting of systemd", "TimeoutStopSec"),
        ),
    ),
    "a worker that is killed in the middle of its flows": (
        {"services": {"octavia-worker": {"TimeoutStopSec": 300}}},
        (
            *(WARNING, "services:octavia-worker:TimeoutStopSec", ""),
            *("is 300 s, and the worker waits 900 s for its flows", "the longer one"),
        ),
    ),
    "a section's name that breaks the file": (
        {"api:config": {"vendor]\n[database": {"connection": "db-secret"}}},
        (
            *(ERROR, "api:config:vendor]\n[database", "", "is no name that octavia.conf can hold"),
            "Use letters, digits",
        ),
    ),
    "an option's name that breaks the file": (
        {"api:config": {"vendor": {"a=b": 1}}},
        (ERROR, "api:config:vendor:a=b", "", "is no name that octavia.conf can hold", "letters"),
    ),
    "an option of another release under config": (
        {"api:config": {"networking": {"lb_network_name": "x"}}},
        (
            *(WARNING, "api:config:networking:lb_network_name", "x"),
            *("was removed in pike", "written as it is, and Octavia will not read it"),
        ),
    ),
    # What options demand of each other.
    "receivers of the other family": (
        {f"{HEALTH}:controller_ip_port_list": ["fd00::1:5555"]},
        (
            *(ERROR, f"{HEALTH}:controller_ip_port_list", "['fd00::1:5555']"),
            *("has no IPv4 address, and the health manager listens on 10.0.0.1", "each controller"),
        ),
    ),
    "a receiver without port": (
        {f"{HEALTH}:controller_ip_port_list": ["10.0.0.1"]},
        (
            *(ERROR, f"{HEALTH}:controller_ip_port_list", "['10.0.0.1']"),
            *("has '10.0.0.1', which is no address with a port", "Write address:port"),
        ),
    ),
    "a receiver in brackets": (
        {f"{HEALTH}:bind_ip": "::1", f"{HEALTH}:controller_ip_port_list": "[fd00::1]:5555"},
        (
            *(ERROR, f"{HEALTH}:controller_ip_port_list", "[fd00::1]:5555"),
            *("which is no address with a port", "IPv6 addresses without brackets"),
        ),
    ),
    "heartbeats to anywhere": (
        {f"{HEALTH}:bind_ip": "0.0.0.0"},
        (
            *(ERROR, f"{HEALTH}:bind_ip", "0.0.0.0", "to every address and so to none"),
            "Set octavia:manager:health_manager:controller_ip_port_list",
        ),
    ),
    "heartbeats to nobody": (
        {f"{HEALTH}:controller_ip_port_list": []},
        (
            *(WARNING, f"{HEALTH}:controller_ip_port_list", "[]", "names no controller"),
            "name all controllers",
        ),
    ),
    "heartbeats that anybody could forge": (
        {f"{HEALTH}:heartbeat_key": ""},
        (WARNING, f"{HEALTH}:heartbeat_key", HIDDEN, "is not set: nobody could tell", "long key"),
    ),
    "heartbeats that come too late": (
        {f"{HEALTH}:heartbeat_interval": 60},
        (
            *(ERROR, f"{HEALTH}:heartbeat_interval", "60"),
            "leaves 60 s between two heartbeats and 60 s to wait for one",
            "Raise heartbeat_timeout",
        ),
    ),
    "no time between heartbeats": (
        {f"{HEALTH}:heartbeat_interval": 0},
        (ERROR, f"{HEALTH}:heartbeat_interval", "0", "is not above 0", "a number of seconds"),
    ),
    "heartbeats that come too late from the last controller": (
        {
            f"{HEALTH}:heartbeat_timeout": 30,
            f"{HEALTH}:controller_ip_port_list": [f"10.0.0.{number}:5555" for number in (1, 2, 3)],
        },
        (
            *(WARNING, f"{HEALTH}:heartbeat_timeout", "30"),
            "lets each of 3 controllers hear of an amphora every 30 s",
            "Raise heartbeat_timeout",
        ),
    ),
    "a threshold of one": (
        {f"{HEALTH}:failover_threshold": 1},
        (
            *(ERROR, f"{HEALTH}:failover_threshold", "1"),
            *("is reached by a single dead amphora", "a fifth of all amphorae"),
        ),
    ),
    "a jobboard without hosts": (
        {
            "manager:task_flow": {
                "jobboard_enabled": True,
                "jobboard_backend_hosts": [],
                "persistence_connection": "mysql+pymysql://o:db-secret@h/p",
            }
        },
        (
            *(ERROR, "manager:task_flow:jobboard_backend_hosts", "[]"),
            *("names no host for the jobboard", "Name the hosts"),
        ),
    ),
    "a jobboard on this very host": (
        {
            "manager:task_flow": {
                "jobboard_enabled": True,
                "persistence_connection": "mysql+pymysql://o:db-secret@h/p",
            }
        },
        (
            *(WARNING, "manager:task_flow:jobboard_backend_hosts", ""),
            *("is looked for on 127.0.0.1", "the same on all controllers"),
        ),
    ),
    "a jobboard that forgets": (
        {
            "manager:task_flow": {
                "jobboard_enabled": True,
                "jobboard_backend_hosts": ["10.0.0.6"],
                "persistence_connection": "sqlite:///x",
            }
        },
        (
            *(WARNING, "manager:task_flow:persistence_connection", HIDDEN),
            *("where no other controller sees them", "a database of its own"),
        ),
    ),
    "two amphorae on one host": (
        {"manager:controller_worker:loadbalancer_topology": "ACTIVE_STANDBY"},
        (
            *(WARNING, "manager:controller_worker:loadbalancer_topology", "ACTIVE_STANDBY"),
            *("both amphorae may run on one compute host", "enable_anti_affinity to true"),
        ),
    ),
    "a policy that is not applied": (
        {"manager:nova": {"anti_affinity_policy": "soft-anti-affinity"}},
        (
            *(WARNING, "manager:nova:anti_affinity_policy", "soft-anti-affinity"),
            *("has no effect while [nova] enable_anti_affinity is false", "or remove it"),
        ),
    ),
    "a default provider that is not enabled": (
        {"api:api_settings": {"default_provider_driver": "ovn"}},
        (
            *(ERROR, "api:api_settings:default_provider_driver", "ovn"),
            *("makes ovn the default, which is not among", "Choose one of amphora, octavia"),
        ),
    ),
    "providers without the default one": (
        {"api:api_settings": {"enabled_provider_drivers": {"a10": "A driver of others"}}},
        (
            *(ERROR, "api:api_settings:enabled_provider_drivers", "{'a10': 'A driver of others'}"),
            *("makes amphora the default, which is not among", "or enable amphora"),
        ),
    ),
    "no provider": (
        {"api:api_settings": {"enabled_provider_drivers": {}}},
        (
            *(ERROR, "api:api_settings:enabled_provider_drivers", "{}"),
            *("enables no provider driver", "Name at least one"),
        ),
    ),
    "OVN without its agent": (
        {"api:api_settings": {"enabled_provider_drivers": {"amphora": "a", "ovn": "o"}}},
        (
            *(WARNING, "api:api_settings:enabled_provider_drivers", "{'amphora': 'a', 'ovn': 'o'}"),
            *("enables OVN, whose agent", "Add ovn to [driver_agent] enabled_provider_agents"),
        ),
    ),
    "a provider that is gone": (
        on(
            "2023.2",
            api__api_settings={"enabled_provider_drivers": {"amphora": "a", "amphorav1": "b"}},
        ),
        (
            *(ERROR, "api:api_settings:enabled_provider_drivers"),
            "{'amphora': 'a', 'amphorav1': 'b'}",
            *("names amphorav1, which Octavia has from xena to 2023.1", "that 2023.2 has"),
        ),
    ),
    "a generator of certificates that is gone": (
        {"manager:certificates:cert_generator": "anchor_cert_generator"},
        (
            *(ERROR, "manager:certificates:cert_generator", "anchor_cert_generator"),
            *("which Octavia has from ocata to stein", "Choose a driver that zed has"),
        ),
    ),
    "a manager of certificates to come": (
        on("xena", manager__certificates__cert_manager="noop_cert_manager"),
        (
            *(ERROR, "manager:certificates:cert_manager", "noop_cert_manager"),
            *("which Octavia has from yoga on", "Choose a driver that xena has"),
        ),
    ),
    "a version of TLS below the minimum": (
        {
            "api:api_settings": {
                "minimum_tls_version": "TLSv1.2",
                "default_pool_tls_versions": ["TLSv1.1", "TLSv1.2"],
            }
        },
        (
            *(ERROR, "api:api_settings:default_pool_tls_versions", "['TLSv1.1', 'TLSv1.2']"),
            *("minimum_tls_version is TLSv1.2; the API would not start", "Leave TLSv1.1 out"),
        ),
    ),
    "a version of TLS that is none": (
        {"api:api_settings": {"default_listener_tls_versions": ["TLSv1.4"]}},
        (
            *(ERROR, "api:api_settings:default_listener_tls_versions", "['TLSv1.4']"),
            *("has TLSv1.4, which is no version of TLS", "Choose from SSLv3, TLSv1"),
        ),
    ),
    "a cipher that is prohibited": (
        {
            "api:api_settings": {
                "tls_cipher_prohibit_list": "RC4-MD5",
                "default_listener_ciphers": "RC4-MD5:TLS_AES_256_GCM_SHA384",
            }
        },
        (
            *(ERROR, "api:api_settings:default_listener_ciphers", "RC4-MD5:TLS_AES_256_GCM_SHA384"),
            *("tls_cipher_prohibit_list prohibits it", "Set default_listener_ciphers without it"),
        ),
    ),
    "a cipher list that breaks out of its line": (
        {"api:api_settings:default_listener_ciphers": "TLS_AES_256_GCM_SHA384,RC4-MD5"},
        (
            *(ERROR, "api:api_settings:default_listener_ciphers", "TLS_AES_256_GCM_SHA384,RC4-MD5"),
            *("the API would not start", "letters, digits"),
        ),
    ),
    "a cipher without a name": (
        {"api:api_settings:default_pool_ciphers": "TLS_AES_256_GCM_SHA384:"},
        (
            *(ERROR, "api:api_settings:default_pool_ciphers", "TLS_AES_256_GCM_SHA384:"),
            *("a cipher without a name", "one colon between each two"),
        ),
    ),
    "certificates that are renewed all the time": (
        {"manager:certificates:cert_validity_time": 86400},
        (
            *(ERROR, "manager:certificates:cert_validity_time", "86400"),
            *("be renewed 1209600 s before their end", "cert_expiry_buffer below"),
        ),
    ),
    "debug that logs a secret": (
        on("xena", api__debug=True),
        (
            *(WARNING, "api:debug", "True"),
            "does not know that these are secret: [certificates] ca_private_key_passphrase",
            "Set [DEFAULT] log_options to false",
        ),
    ),
    "a format of logs that changed": (
        on("train", manager__haproxy_amphora__user_log_format="{{ project_id }}"),
        (
            *(WARNING, "manager:haproxy_amphora:user_log_format", "{{ project_id }}"),
            *("is read differently by the first version of train", "fits the installed packages"),
        ),
    ),
    "logs without a place": (
        {
            "manager:amphora_agent": {
                "disable_local_log_storage": True,
                "admin_log_targets": ["10.0.0.9:514"],
            }
        },
        (
            *(WARNING, "manager:amphora_agent:disable_local_log_storage", "True"),
            *("leaves amphorae no place for their tenant logs", "tenant_log_targets"),
        ),
    ),
    "encryption without a key": (
        {"api:identity:memcache_security_strategy": "ENCRYPT"},
        (
            *(ERROR, "api:identity:memcache_security_strategy", "ENCRYPT"),
            *("needs a key, without which", "Set [keystone_authtoken] memcache_secret_key"),
        ),
    ),
    "a section that the release has no longer": (
        {"manager:anchor": {"url": "http://anchor"}},
        (WARNING, "manager:anchor:url", "http://anchor", "was removed in", "left out of the file"),
    ),
    "an option by its old name": (
        {"api:database:idle_timeout": 3600},
        (
            *(WARNING, "api:database:idle_timeout", "3600"),
            "has another name in zed: [database] connection_recycle_time",
            "It was written as [database] connection_recycle_time; rename it in the pillar",
        ),
    ),
}

# The pillar of a node as a whole -> its one finding.
WHOLE = {
    "nothing": (None, (ERROR, "octavia", "", "is missing or empty", "at least one of octavia:api")),
    "empty": ({}, (ERROR, "octavia", "", "is missing or empty", "at least one of octavia:api")),
    "a list": (["api"], (ERROR, "octavia", "", "is missing or empty", "octavia:manager")),
    "text": ("db-secret", (ERROR, "octavia", "", "is missing or empty", "octavia:client")),
}


def _is_it(item, expected):
    level, path, value, reason, remedy = expected
    full = path if path == "octavia" else f"octavia:{path}"
    assert (item["level"], item["path"], item["value"]) == (level, full, value)
    assert reason in item["reason"]
    assert remedy in item["remedy"] or remedy in item["reason"]


def _shows_no_secret(build):
    shown = json.dumps(build.result()) + findings.describe(build.found)
    assert [secret for secret in (*SECRETS, "too-short-secret") if secret in shown] == []


def test_the_good_pillar_has_no_finding():
    assert built(GOOD).found == []


@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_one_finding(name):
    changes, expected = BAD[name]
    build = built(changed(GOOD, changes))
    assert len(build.found) == 1, build.found
    _is_it(build.found[0], expected)
    _shows_no_secret(build)
    known = build.result()
    assert known["valid"] is (expected[0] == WARNING)
    assert bool(known["roles"]) is (expected[0] == WARNING)


@pytest.mark.parametrize("name", WHOLE)
def test_a_node_without_a_pillar(name):
    pillar, expected = WHOLE[name]
    build = built(pillar)
    assert len(build.found) == 1
    _is_it(build.found[0], expected)
    _shows_no_secret(build)
    assert build.result()["roles"] == []


def test_an_unknown_operating_system():
    build = built(GOOD, os="OpenBSD", os_family="OpenBSD")
    assert len(build.found) == 1
    reason = "is no operating system that the formula knows: Debian, Ubuntu, RedHat"
    assert build.found[0] == findings.error("grains:os", "OpenBSD", reason, "Use one of these")
    assert build.result()["roles"] == []


def test_all_mistakes_are_told_at_once():
    together = [
        *("an unknown key at the top", "a unit that is none", "no identity", "an unknown engine"),
        *("a port out of range", "a misspelt passphrase", "a value outside the choices"),
        *("a heartbeat key that is a list", "a certificate without its key", "a notification that"),
    ]
    chosen = [BAD[name] for prefix in together for name in BAD if name.startswith(prefix)]
    assert len(chosen) == len(together)
    changes = {path: value for change, _ in chosen for path, value in change.items()}
    build = built(changed(GOOD, changes))
    wanted = {f"octavia:{expected[1]}": expected for _, expected in chosen}
    assert sorted(item["path"] for item in build.found) == sorted(wanted)
    for item in build.found:
        _is_it(item, wanted[item["path"]])
    _shows_no_secret(build)
    text = findings.describe(build.found)
    assert len(text.splitlines()) == len(chosen)
    assert "error: octavia:api:bind:port = 70000: must be at most 65535, not 70000. Give a" in text


def test_a_role_that_is_switched_off_is_not_checked():
    nonsense = {"enabled": False, "database": "nonsense", "role": "nonsense"}
    for role in ("api", "manager"):
        build = built(changed(GOOD, {role: nonsense}))
        assert build.found == []
        assert role not in build.result()["roles"]


@pytest.mark.parametrize("path", ["api:api_settings", "manager:health_manager", "manager:vault"])
@pytest.mark.parametrize("key", [1, True, None, 2.5])
def test_a_name_that_is_no_text_is_a_finding_like_others(path, key):
    build = built(changed(GOOD, {path: {key: "x"}}))
    assert [(item["level"], item["path"]) for item in build.found] == [
        ("error", f"octavia:{path}:{key}")
    ]


class TestDroppedOptions:
    """`spare_amphora_pool_size` and `api_v1_enabled` stand in the users' pillars for ever."""

    @pytest.mark.parametrize(
        ("release", "said"),
        [
            ("ocata", ""),
            ("queens", ""),
            ("wallaby", "is deprecated in wallaby: Spares Pool support will be removed"),
            ("2026.2", "was removed in xena"),
        ],
    )
    def test_the_pool_of_spares(self, release, said):
        build = built(at(release, ("manager",)))
        told = [item for item in build.found if item["path"].startswith("octavia:manager:house_")]
        assert [item["value"] for item in told] == (["0"] if said else [])
        assert all(said in item["reason"] for item in told)
        # The sample leaves the network and the security group to the mine, which is not there.
        rest = [item for item in build.found if item not in told]
        assert [(item["level"], item["path"].rpartition(":")[2]) for item in rest] == [
            ("warning", "amp_boot_network_list"),
            ("warning", "amp_secgroup_list"),
        ]
        assert ("spare_amphora_pool_size" in build.sections.get("house_keeping", {})) is (
            "removed in xena" not in said
        )
        assert build.result()["valid"]

    @pytest.mark.parametrize(
        ("release", "said"),
        [
            ("ocata", ("comes in pike", "It was left out of the file; remove it ")),
            ("queens", ()),
            ("2026.2", ("was removed in train", "The first API is gone. It was left out ")),
        ],
    )
    def test_the_first_api(self, release, said):
        pillar = changed(at(release, ("api",)), {"api:api_v1_enabled": True})
        build = built(pillar)
        assert [item["level"] for item in build.found] == (["warning"] if said else [])
        for item in build.found:
            assert item["reason"].endswith(said[0])
            assert item["remedy"].startswith(said[1])
        assert ("api_v1_enabled" in build.sections.get("api_settings", {})) is (not said)
        assert build.result()["valid"]
