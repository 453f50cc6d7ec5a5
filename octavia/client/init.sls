{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
{%- if 'client' in octavia.roles %}
  - octavia.client.package
  - octavia.client.clouds
{%- if octavia.resources %}
  - octavia.client.resources
{%- endif %}
{%- endif %}
