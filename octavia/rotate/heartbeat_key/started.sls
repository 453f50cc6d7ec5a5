{%- from "octavia/map.jinja" import octavia with context %}

# Stage 4, on all controllers: the health managers watch again.
include:
  - octavia.check

{%- if 'manager' in octavia.roles and not octavia.noservices %}

octavia_health_manager_started:
  octavia_pki.health_manager_started:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.check
{%- endif %}
