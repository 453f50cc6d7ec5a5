{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/units.jinja" import services %}

include:
  - octavia.config
  - octavia.api.units
  - octavia.db
  - octavia.api.server
  - octavia.api.apache

{%- if 'api' in octavia.roles and not octavia.noservices %}
{%- set watches = ['octavia_api_uwsgi', 'octavia_api_defaults'] if octavia.uwsgi else [] %}
{%- set watches = watches + (['octavia_audit_map'] if octavia.audit_map else []) %}
{%- set watches = watches + (['octavia_policy_file'] if octavia.policy else []) %}
{%- set ovn = ['octavia_ovn_file'] if octavia.ovn else [] %}
{{- services(octavia, 'api', {'octavia-api': watches + ovn, 'octavia-driver-agent': ovn}) }}

{%- set apache = [octavia.apache.service] if octavia.apache else [] %}

octavia_api_up:
  octavia_control.up:
    - units: {{ (octavia.units_of.api + apache) | json }}
    - api_url: {{ octavia.api_url }}
    - timeout: {{ octavia.timeouts.services }}
    - require:
{%- for name in octavia.units_of.api %}
      - octavia_control: octavia_service_{{ name }}
{%- endfor %}
{%- if octavia.apache %}
      - octavia_control: octavia_api_apache_service
{%- endif %}
{%- endif %}
