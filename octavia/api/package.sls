{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
  - octavia.config

{%- if 'api' in octavia.roles %}

octavia_api_packages:
  octavia_control.installed:
    - pkgs: {{ octavia.packages.api | json }}
    - units: {{ octavia.held_units.api | json }}
    - require:
      - sls: octavia.check
    - require_in:
      - file: octavia_config_file
{%- for file in octavia.tls_files %}
      - file: octavia_tls_{{ file.path }}
{%- endfor %}
{%- endif %}
