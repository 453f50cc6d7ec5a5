{%- from "octavia/map.jinja" import octavia with context %}

# Stage 1, on all controllers: no health manager judges amphorae while keys differ.
include:
  - octavia.check

{%- if 'manager' in octavia.roles and not octavia.noservices %}

octavia_health_manager_stopped:
  octavia_pki.health_manager_stopped:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.check
{%- endif %}
