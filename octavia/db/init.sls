{%- from "octavia/map.jinja" import octavia with context %}

# One node brings the schema to head; all others wait for it before they start their services.
{%- if octavia.syncs_db %}

include:
  - octavia.db.offline_sync
{%- elif octavia.units and not octavia.noservices %}

include:
  - octavia.config

octavia_db:
  octavia_control.db_ready:
    - timeout: {{ octavia.timeouts.database }}
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.config
{%- endif %}
