{%- from "octavia/map.jinja" import octavia with context %}

# The node is taken out: no new requests come to its API; in a rolling upgrade its worker ends the
# flows that it is in, and takes no more, while those of other nodes go on.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_upgrade_pre:
  test.show_notification:
    - text: 'octavia.upgrade.upgrade.pre: this node is taken out of service'
    - require:
      - sls: octavia.check
{%- if not octavia.noservices %}
{%- if 'api' in octavia.roles %}

octavia_upgrade_drained:
  octavia_upgrade.drained:
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_upgrade_pre
{%- endif %}
{%- if 'octavia-worker' in octavia.stop_order and octavia.upgrade.mode == 'rolling' %}

octavia_upgrade_worker_drained:
  octavia_upgrade.stopped:
    - name: octavia-worker
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_upgrade_pre
{%- if 'api' in octavia.roles %}
      - octavia_upgrade: octavia_upgrade_drained
{%- endif %}
{%- endif %}
{%- endif %}
