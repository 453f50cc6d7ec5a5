{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/units.jinja" import unit_files %}

# What mends the packaged units; no service is touched.
include:
  - octavia.config

{%- if 'api' in octavia.roles and not octavia.noservices %}
{{- unit_files(octavia, 'api') }}
{%- endif %}
