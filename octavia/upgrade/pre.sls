{%- from "octavia/map.jinja" import octavia with context %}

# On all nodes, any time before the upgrade: changes nothing that serves anybody.
include:
  - octavia.upgrade.ready

octavia_upgrade_pre:
  test.show_notification:
    - text: >-
        octavia.upgrade.pre: is this node ready for {{ octavia.release or 'its packages' }}?
    - require:
      - sls: octavia.check
    - require_in:
      - octavia_upgrade: octavia_upgrade_ready
{#- Where the role client keeps the file there is none to lend. #}
{%- if octavia.roles and not octavia.clouds_file and not octavia.noservices %}

octavia_upgrade_clouds_lent:
  octavia_upgrade.clouds_lent:
    - name: {{ octavia.upgrade_clouds_file }}
    - require:
      - test: octavia_upgrade_pre
{%- endif %}
