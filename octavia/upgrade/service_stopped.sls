{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/upgrade/order.jinja" import order with context %}

# All services of the node are stopped and stay so, in the order of Octavia's own guide. The worker
# is the last: in a cold upgrade it waits until nothing is PENDING, else it ends its own flows.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_service_stopped:
  test.show_notification:
    - text: 'octavia.upgrade.service_stopped: {{ order | join(", ") or "nothing" }}'
    - require:
      - sls: octavia.check
{%- if not octavia.noservices %}
{%- set before = ['test: octavia_upgrade_service_stopped'] %}
{%- for unit in order %}
{%- if unit == 'apache' %}

# Apache may serve others as well, so that only the site of Octavia goes.
octavia_upgrade_stopped_site:
  octavia_upgrade.site_stopped:
    - name: {{ octavia.apache.site }}
    - service: {{ octavia.apache.service }}
    - api_url: {{ octavia.api_url }}
    - require:
      - {{ before[-1] }}
{%- do before.append('octavia_upgrade: octavia_upgrade_stopped_site') %}
{%- else %}

octavia_upgrade_stopped_{{ unit }}:
  octavia_upgrade.stopped:
    - name: {{ unit }}
{%- if unit == 'octavia-worker' %}
    - when_idle: {{ octavia.upgrade.mode == 'cold' }}
{%- endif %}
    - saltenv: {{ saltenv }}
    - require:
      - {{ before[-1] }}
{%- do before.append('octavia_upgrade: octavia_upgrade_stopped_' ~ unit) %}
{%- endif %}
{%- endfor %}
{%- endif %}
