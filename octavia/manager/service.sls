{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/units.jinja" import services %}

include:
  - octavia.config
  - octavia.manager.units
  - octavia.db
  - octavia.certificates

{%- if 'manager' in octavia.roles and not octavia.noservices %}
{%- set watches = {} %}
{%- for name in octavia.units_of.manager %}
{%- do watches.update({name: ['octavia_pki: octavia_certificates']}) %}
{%- endfor %}
{{- services(octavia, 'manager', watches, ['octavia_pki: octavia_certificates_access']) }}

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
