{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
{%- if 'api' in octavia.roles %}
  - octavia.api.package
  - octavia.config
  - octavia.api.server
  - octavia.api.apache
{%- if not octavia.noservices %}
  - octavia.db
  - octavia.api.service
{%- endif %}
{%- endif %}
