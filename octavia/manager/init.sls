{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
{%- if 'manager' in octavia.roles %}
  - octavia.manager.package
  - octavia.config
  - octavia.manager.ssh
  - octavia.certificates
{%- if not octavia.noservices %}
  - octavia.db
  - octavia.manager.service
{%- endif %}
{%- endif %}
