{%- from "octavia/map.jinja" import octavia with context %}

# The schema is brought to head on the node that may, after a backup of what is there.
include:
  - octavia.config

{%- if octavia.syncs_db and not octavia.noservices %}

octavia_db_backup:
  octavia_control.db_backed_up:
    - pkgs: {{ octavia.dump_packages | json }}
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.config
{%- if octavia.persistence %}

octavia_db_persistence:
  octavia_control.db_synced:
    - schema: persistence
    - saltenv: {{ saltenv }}
    - require:
      - octavia_control: octavia_db_backup
    - require_in:
      - octavia_control: octavia_db
{%- endif %}

octavia_db:
  octavia_control.db_synced:
    - saltenv: {{ saltenv }}
    - require:
      - octavia_control: octavia_db_backup
{%- endif %}
