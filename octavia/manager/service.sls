{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/units.jinja" import units %}

include:
  - octavia.config
  - octavia.db

{%- if 'manager' in octavia.roles and not octavia.noservices %}
{{- units(octavia, 'manager', {}) }}

octavia_manager_up:
  octavia_control.up:
    - units: {{ octavia.units_of.manager | json }}
    - heartbeat_port: {{ octavia.heartbeat.port }}
    - timeout: {{ octavia.timeouts.services }}
    - require:
{%- for name in octavia.units_of.manager %}
      - octavia_control: octavia_service_{{ name }}
{%- endfor %}
{%- endif %}
