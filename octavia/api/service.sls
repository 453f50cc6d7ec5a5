{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/units.jinja" import units %}

include:
  - octavia.config
  - octavia.db
  - octavia.api.server

{%- if 'api' in octavia.roles and not octavia.noservices %}
{%- set watches = ['octavia_api_uwsgi', 'octavia_api_defaults'] if octavia.uwsgi else [] %}
{%- set watches = watches + (['octavia_audit_map'] if octavia.audit_map else []) %}
{{- units(octavia, 'api', {'octavia-api': watches}) }}

octavia_api_up:
  octavia_control.up:
    - units: {{ octavia.units_of.api | json }}
    - api_url: {{ octavia.api_url }}
    - timeout: {{ octavia.timeouts.services }}
    - require:
{%- for name in octavia.units_of.api %}
      - octavia_control: octavia_service_{{ name }}
{%- endfor %}
{%- endif %}
