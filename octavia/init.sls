{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
{%- for role in octavia.roles %}
  - octavia.{{ role }}
{%- endfor %}
