"""What the layers are made of: package lists and the scripts that run inside a builder.

Everything here goes into the key of the layers, so a change builds them anew.
"""

from __future__ import annotations

BASE_PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3",
    "python3-venv",
    "iproute2",
    "procps",
    "iputils-ping",
    "ca-certificates",
    "netbase",
    "curl",
    "less",
    "logrotate",
    "openssl",
]

# Packages of the local repository, in groups that are resolved one by one: groups may conflict.
DEB_GROUPS = {
    "infra": [
        "mariadb-server",
        "rabbitmq-server",
        "memcached",
        "keystone",
        "python3-pymysql",
        "python3-memcache",
        "python3-openstacksdk",
        "uwsgi-plugin-python3",
        "openssl",
        "logrotate",
        "strace",
    ],
    "octavia": [
        "octavia-api",
        "octavia-worker",
        "octavia-health-manager",
        "octavia-housekeeping",
        "octavia-driver-agent",
        "python3-octavia",
        "python3-octaviaclient",
        "python3-openstackclient",
    ],
    "agent": ["octavia-agent"],
    "jobboard": ["redis-server", "python3-redis"],
}

# What stands on a node beside Octavia and must not be touched by an upgrade of it; in a repository
# of its own, which only nodes with upgrades see.
DATA_PLANE = {"data-plane": ["openvswitch-switch", "qemu-guest-agent"]}

# With what the formula itself is built and installed; only nodes where that is done see it.
TOOLS = {"tools": ["git", "make", "dpkg-dev", "debhelper"]}
# Wheels that pip builds with.
BUILD_WHEELS = ("setuptools",)

# What stands on a node that is upgraded, besides its base.
UPGRADED = [
    *DEB_GROUPS["octavia"],
    "mariadb-client",
    "python3-openstacksdk",
    "python3-memcache",
    "python3-pymysql",
    "uwsgi-plugin-python3",
    *DATA_PLANE["data-plane"],
]

# Layers on top of base: the group of packages that is installed, and what is done afterwards.
INSTALLED = {
    # Unconfigured they would only burn CPU time; the sandbox enables those that a node needs.
    "infra": "systemctl disable mariadb rabbitmq-server memcached keystone",
    # An amphora gets its files before its agent starts.
    "agent": "systemctl disable octavia-agent",
}

# Wheels that a node can install, since it has no network.
WHEELS = ("openstacksdk", "pytest", "pytest-testinfra")
# The same without what they ask for: the first asks for a package that no present Python needs.
BARE_WHEELS = ("kapicorp-reclass==2.0.0", "six", "pyparsing", "ddt")

# dpkg leaves these out; force-unsafe-io drops syncs, which nothing here needs.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "force-unsafe-io",
)
APT_OPTIONS = ('Acquire::Languages "none";',)


def sources(*folders: str) -> str:
    """The sources.list of a system that takes its packages from these folders of its own."""
    return "".join(f"deb [trusted=yes] file:{folder} ./\n" for folder in folders)


NODE_SOURCES = sources("/srv/debs")

# /var/cache/apt/archives is the growing repository.
DEBS_SCRIPT = """
apt-get update
for group in {groups}; do
    apt-get install -d -y --no-install-recommends $(cat /run/build/$group)
done
rm -rf /var/cache/apt/archives/lock /var/cache/apt/archives/partial
"""

# The node of before with what earlier upgrades left on it, then everything that takes it to the
# next platform, which is downloaded and not installed.
UPGRADE_SCRIPT = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
mkdir -p /var/cache/apt/before/partial
cp /run/build/before /etc/apt/sources.list
apt-get update
apt-get install -y --no-install-recommends -o Dir::Cache::archives=/var/cache/apt/before \
    {packages} $(cat /run/build/earlier)
cp /run/build/after /etc/apt/sources.list
apt-get update
apt-get install -d -y --no-install-recommends {packages}
apt-get dist-upgrade -d -y --no-install-recommends
rm -rf /var/cache/apt/archives/lock /var/cache/apt/archives/partial
"""

INSTALL_SCRIPT = """
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update
apt-get install -y --no-install-recommends {packages}
apt-get clean
{finish}
rm -f /usr/sbin/policy-rc.d
"""

# A requirement that a package index may lag behind on, and one that needs a compiler and that
# Salt only uses for one rendering filter.
SALT_OVERRIDES = """certifi
timelib ; sys_platform == "never"
"""

# By its own name and not by python3, which is another one once the node's Debian is upgraded: Salt
# is to go on with the Python that it was installed for, and that stays beside the new one.
SALT_SCRIPT = """
"$(readlink -f /usr/bin/python3)" -m venv /opt/salt
uv pip install --python /opt/salt/bin/python --override /run/build/overrides --compile-bytecode \
    'salt=={version}'
/opt/salt/bin/pip freeze > /run/build/constraints
mkdir -p /srv/wheels
/opt/salt/bin/pip wheel --wheel-dir /srv/wheels --constraint /run/build/constraints {wheels}
/opt/salt/bin/pip wheel --no-deps --wheel-dir /srv/wheels --constraint /run/build/constraints \
    {bare_wheels}
"""

PIP_CONFIG = "[global]\nno-index = true\nfind-links = /srv/wheels\n"
PROFILE = 'PATH="/opt/salt/bin:$PATH"\n'
