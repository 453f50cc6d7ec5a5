{%- from "octavia/map.jinja" import octavia with context %}

# The packages of the node's roles at the latest version of its sources, those of the data plane
# untouched, no service started.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_pkg_latest:
  test.show_notification:
    - text: 'octavia.upgrade.pkg_latest: {{ octavia.release_packages | join(", ") or "nothing" }}'
    - require:
      - sls: octavia.check
{%- if octavia.release_packages %}

octavia_upgrade_packages:
  octavia_upgrade.packages_latest:
    - pkgs: {{ octavia.release_packages | json }}
    - units: {{ octavia.held_units.values() | sum(start=[]) | json }}
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_pkg_latest
{%- endif %}
