{%- from "octavia/map.jinja" import octavia with context %}

# The node is put back: its services serve, and the balancer in front of the API knows it again.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_upgrade_post:
  test.show_notification:
    - text: 'octavia.upgrade.upgrade.post: this node is put back into service'
    - require:
      - sls: octavia.check
{%- set units = octavia.stop_order + ([octavia.apache.service] if octavia.apache else []) %}
{%- if units and not octavia.noservices %}

octavia_upgrade_back:
  octavia_control.up:
    - units: {{ units | json }}
    - timeout: {{ octavia.timeouts.services }}
    - consumes: {{ 'octavia-worker' in octavia.stop_order }}
    - saltenv: {{ saltenv }}
{%- if octavia.api_url %}
    - api_url: {{ octavia.api_url }}
{%- endif %}
{%- if octavia.heartbeat %}
    - heartbeat_port: {{ octavia.heartbeat.port }}
{%- endif %}
    - require:
      - test: octavia_upgrade_upgrade_post
{%- if 'api' in octavia.roles %}

octavia_upgrade_undrained:
  octavia_upgrade.undrained:
    - saltenv: {{ saltenv }}
    - require:
      - octavia_control: octavia_upgrade_back
{%- endif %}
{%- endif %}
