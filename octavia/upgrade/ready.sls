{%- from "octavia/map.jinja" import octavia with context %}

# Whether the node is ready. In an upgrade the packages may be older than the pillar's version.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_ready:
  octavia_upgrade.ready:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.check
