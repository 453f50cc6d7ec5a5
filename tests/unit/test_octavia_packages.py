"""What apt says that it would do, in its own words."""

import octavia_packages as packages
import pytest
from given import PARAMETERS

DATA_PLANE = {name: PARAMETERS["osfamilies"][name]["data_plane"] for name in ("Debian", "RedHat")}

SECURITY = "Debian-Security:12/oldstable-security [all]"
HEAD = """\
Reading package lists...
Building dependency tree...
Reading state information...
"""

# From one version of a release to the next, on Debian 12.
UPGRADE = f"""{HEAD}\
The following package was automatically installed and is no longer required:
  less
Use 'apt autoremove' to remove it.
The following additional packages will be installed:
  python3-octavia
The following packages will be upgraded:
  octavia-api octavia-common octavia-driver-agent python3-octavia
4 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.
Inst octavia-driver-agent [11.0.0-2] (11.0.0-2+deb12u1 {SECURITY}) []
Inst octavia-api [11.0.0-2] (11.0.0-2+deb12u1 {SECURITY}) []
Inst octavia-common [11.0.0-2] (11.0.0-2+deb12u1 {SECURITY}) []
Inst python3-octavia [11.0.0-2] (11.0.0-2+deb12u1 {SECURITY})
Conf octavia-driver-agent (11.0.0-2+deb12u1 {SECURITY})
Conf octavia-api (11.0.0-2+deb12u1 {SECURITY})
Conf octavia-common (11.0.0-2+deb12u1 {SECURITY})
Conf python3-octavia (11.0.0-2+deb12u1 {SECURITY})
"""

# From Debian 12 to 13 with the sources of both, some lines of many.
BETWEEN = f"""{HEAD}\
The following packages will be REMOVED:
  libdb5.3 libev4 libssl3
Inst libc6 [2.36-9+deb12u14] (2.41-12+deb13u5 Debian:13.8/stable [amd64]) [libc-bin:amd64 ]
Remv libdb5.3 [5.3.28+dfsg2-1] [libperl5.36:amd64 libpam-modules:amd64 iproute2:amd64 ]
Inst libdb5.3t64 (5.3.28+dfsg2-9 Debian:13.8/stable [amd64])
Inst python3-gevent [22.10.2-3] (24.11.1-1+b1 Debian:13.8/stable [amd64]) []
Remv libev4 [1:4.33-1] []
Inst libev4t64 (1:4.33-2.1+b1 Debian:13.8/stable [amd64]) []
Inst haproxy [2.6.12-1+deb12u4] (3.0.11-1+deb13u4 Debian:13.8/stable [amd64]) []
Inst python3-openvswitch [3.1.0-2+deb12u1] (3.5.0-1+b1 Debian:13.8/stable [amd64]) []
Inst openvswitch-switch [3.1.0-2+deb12u1] (3.5.0-1+b1 Debian:13.8/stable [amd64]) []
Conf libc6 (2.41-12+deb13u5 Debian:13.8/stable [amd64]) [libc-bin:amd64 ]
Conf haproxy (3.0.11-1+deb13u4 Debian:13.8/stable [amd64])
"""

# With packages of a second architecture.
FOREIGN = f"""{HEAD}\
Inst libc6 [2.36-9+deb12u14] (2.41-12+deb13u5 Debian:13.8/stable [amd64]) [libc-bin:amd64 ]
Inst libc6:i386 (2.41-12+deb13u5 Debian:13.8/stable [i386]) [libc-bin:amd64 ]
Conf libc6 (2.41-12+deb13u5 Debian:13.8/stable [amd64]) [libc-bin:amd64 ]
Inst zlib1g:i386 [1:1.2.13.dfsg-1] (1:1.3.dfsg+really1.3.1-1+deb13u1 Debian:13.8/stable [i386])
Inst zlib1g [1:1.2.13.dfsg-1] (1:1.3.dfsg+really1.3.1-1+deb13u1 Debian:13.8/stable [amd64])
Remv libssl3:i386 [3.0.22-1~deb12u2] [libsasl2-2:i386 ]
Conf zlib1g:i386 (1:1.3.dfsg+really1.3.1-1+deb13u1 Debian:13.8/stable [i386])
"""

REMOVED = f"""{HEAD}\
The following packages will be REMOVED:
  octavia-driver-agent
0 upgraded, 0 newly installed, 1 to remove and 6 not upgraded.
Remv octavia-driver-agent [11.0.0-2]
"""

KEPT_BACK = f"""{HEAD}\
Calculating upgrade...
The following packages have been kept back:
  octavia-api octavia-common octavia-driver-agent python3-octavia
0 upgraded, 0 newly installed, 0 to remove and 4 not upgraded.
"""

# What octavia-api needs, some lines of many.
DEPENDS = """\
octavia-api
  Depends: adduser
  Depends: octavia-common
  Depends: python3-openstackclient
  Depends: <q-text-as-data>
    python3-q-text-as-data
 |Depends: debconf
  Depends: <debconf-2.0>
    cdebconf
    debconf
octavia-common
  Depends: python3-octavia
python3-openstackclient
  Depends: python3-oslo.utils
  Depends: <python3:any>
    python3
python3-q-text-as-data
  Depends: sqlite3
python3-octavia
  Depends: alembic
  Depends: python3-octavia-lib
python3-octavia-lib
<python3:any>
python3
  PreDepends: python3-minimal
libc6
haproxy
uwsgi-core
  Depends: python3-distutils
"""

NOTHING = f"""{HEAD}\
less is already the newest version (590-2.1~deb12u2).
less set to manually installed.
mariadb-client is already the newest version (1:10.11.19-0+deb12u1).
0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.
"""


class TestChanges:
    """Old and new versions by package."""

    def test_an_upgrade(self):
        step = {"old": "11.0.0-2", "new": "11.0.0-2+deb12u1"}
        names = ("octavia-driver-agent", "octavia-api", "octavia-common", "python3-octavia")
        found = packages.of_apt(UPGRADE)
        assert found.changes == dict.fromkeys(names, step)
        assert found.removed == []

    def test_what_comes_and_what_goes(self):
        found = packages.of_apt(BETWEEN)
        assert found.changes["libdb5.3t64"] == {"old": "", "new": "5.3.28+dfsg2-9"}
        assert found.changes["libev4"] == {"old": "1:4.33-1", "new": ""}
        assert found.changes["libc6"] == {"old": "2.36-9+deb12u14", "new": "2.41-12+deb13u5"}
        assert found.removed == ["libdb5.3", "libev4"]
        assert len(found.changes) == 9

    @pytest.mark.parametrize("text", [REMOVED, REMOVED.replace("Remv", "Purg")])
    def test_a_removal(self, text):
        found = packages.of_apt(text)
        assert found.changes == {"octavia-driver-agent": {"old": "11.0.0-2", "new": ""}}
        assert found.removed == ["octavia-driver-agent"]

    def test_architectures_stay_apart(self):
        """As in the list of installed packages, of which only foreign ones bear their own."""
        found = packages.of_apt(FOREIGN)
        assert found.changes["libc6"] == {"old": "2.36-9+deb12u14", "new": "2.41-12+deb13u5"}
        assert found.changes["libc6:i386"] == {"old": "", "new": "2.41-12+deb13u5"}
        assert found.changes["zlib1g:i386"]["old"] == "1:1.2.13.dfsg-1"
        assert found.removed == ["libssl3:i386"]
        assert len(found.changes) == 5

    @pytest.mark.parametrize("text", [KEPT_BACK, NOTHING, HEAD, ""])
    def test_what_apt_leaves_as_it_is(self, text):
        assert packages.of_apt(text).changes == {}

    def test_one_that_goes_for_a_while_only_is_not_removed(self):
        text = (
            REMOVED + "Inst octavia-driver-agent [11.0.0-2] (16.0.0-2 Debian:13.8/stable [all])\n"
        )
        found = packages.of_apt(text)
        assert found.removed == []
        assert found.changes["octavia-driver-agent"] == {"old": "11.0.0-2", "new": "16.0.0-2"}


class TestDataPlane:
    """Tenants' traffic goes through these."""

    def test_none_of_it_is_touched(self):
        assert packages.of_apt(UPGRADE).touched(DATA_PLANE["Debian"]) == []

    def test_what_is_changed_or_removed(self):
        found = packages.of_apt(BETWEEN)
        assert found.touched(DATA_PLANE["Debian"]) == ["haproxy", "openvswitch-switch"]
        assert found.touched(["libev*"]) == ["libev4"]
        assert found.touched([]) == []

    def test_one_that_is_not_there_yet_has_no_traffic(self):
        fresh = "Inst haproxy (3.0.11-1+deb13u4 Debian:13.8/stable [amd64])\n"
        assert packages.of_apt(fresh).touched(DATA_PLANE["Debian"]) == []

    @pytest.mark.parametrize(
        "fresh", ["Inst haproxy:i386 (3.0 x [i386])\n", "Remv haproxy:i386 [2.6]\n"]
    )
    def test_a_second_architecture_hides_nothing(self, fresh):
        found = packages.of_apt(BETWEEN + fresh)
        assert "haproxy" in found.touched(DATA_PLANE["Debian"])
        touched = ["haproxy:i386"] if "Remv" in fresh else []
        assert packages.of_apt(fresh).touched(["haproxy"]) == touched

    @pytest.mark.parametrize("family", sorted(DATA_PLANE))
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("qemu-kvm", True),
            ("openvswitch-switch", True),
            ("libvirt-daemon-system", True),
            ("ovn-controller", True),
            ("keepalived", True),
            ("haproxy-doc", False),
            ("python3-openvswitch", False),
            ("octavia-worker", False),
        ],
    )
    def test_the_patterns_of_the_systems(self, family, name, meant):
        line = f"Inst {name} [1] (2 x [all])\n"
        assert bool(packages.of_apt(line).touched(DATA_PLANE[family])) is meant

    @pytest.mark.parametrize(
        ("family", "kernel"), [("Debian", "linux-image-6.1.0-40-amd64"), ("RedHat", "kernel-core")]
    )
    def test_kernels(self, family, kernel):
        line = f"Remv {kernel} [1]\n"
        assert packages.of_apt(line).touched(DATA_PLANE[family]) == [kernel]


def test_preferences():
    assert packages.preferences(["qemu*", "haproxy"]).splitlines() == [
        *("Package: qemu* haproxy", "Pin: release *", "Pin-Priority: -1", ""),
    ]
    assert packages.preferences([]) == ""


class TestNeeded:
    """What goes along with the packages of Octavia."""

    def test_names_stand_at_the_beginning_of_a_line(self):
        assert packages.needed(DEPENDS, ["python3-*", "uwsgi-*"]) == [
            *("python3-octavia", "python3-octavia-lib", "python3-openstackclient"),
            *("python3-q-text-as-data", "uwsgi-core"),
        ]

    @pytest.mark.parametrize("text", ["", "E: No packages found\n", "<python3-any>\n"])
    def test_nothing(self, text):
        assert packages.needed(text, ["*"]) == []
        assert packages.needed(DEPENDS, []) == []

    @pytest.mark.parametrize("family", sorted(DATA_PLANE))
    def test_nothing_of_the_data_plane_goes_along(self, family):
        plane = "\n".join(name.replace("*", "x") for name in DATA_PLANE[family])
        along = PARAMETERS["osfamilies"][family]["upgraded_along"]
        assert packages.needed(DEPENDS + plane, along) == packages.needed(DEPENDS, along)


def test_held_packages_are_told():
    text = (
        f"{HEAD}The following held packages will be changed:\n  octavia-common python3-octavia\n"
        "  octavia-api\nThe following packages will be upgraded:\n  octavia-worker\n"
    )
    assert packages.held(text) == ["octavia-api", "octavia-common", "python3-octavia"]
    assert packages.held(UPGRADE) == []
