{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.config

{%- if octavia.syncs_db and not octavia.noservices %}
{%- if octavia.persistence %}

octavia_db_persistence:
  octavia_control.db_synced:
    - schema: persistence
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.config
    - require_in:
      - octavia_control: octavia_db
{%- endif %}

octavia_db:
  octavia_control.db_synced:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.config
{%- endif %}
