{%- from "octavia/map.jinja" import octavia with context %}

# Stage 2, on all controllers: the new key is in octavia.conf, and what tells amphorae has read it.
include:
  - octavia.config

{%- if 'manager' in octavia.roles and not octavia.noservices %}
{%- for name in octavia.units_of.manager if name != 'octavia-health-manager' %}

octavia_rotate_restarted_{{ name }}:
  octavia_control.running:
    - name: {{ name }}
    - reads: {{ [octavia.config] | json }}
    - watch:
      - file: octavia_config_file
{%- endfor %}
{%- endif %}
