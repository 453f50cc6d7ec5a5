{%- from "octavia/map.jinja" import octavia with context %}

# Stage 3, on one controller: every amphora signs with the new key.
include:
  - octavia.check

{%- if 'manager' in octavia.roles and not octavia.noservices %}

octavia_fleet_told:
  octavia_pki.fleet_told:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.check
{%- endif %}
