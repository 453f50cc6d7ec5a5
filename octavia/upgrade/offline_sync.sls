{%- from "octavia/map.jinja" import octavia with context %}

# octavia.db.offline_sync as a phase of an upgrade: nobody else may be connected to the database.
include:
  - octavia.db.offline_sync

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true
{%- if octavia.syncs_db and not octavia.noservices %}
  octavia_db_backup:
    octavia_control.db_backed_up:
      - upgrade: true
  octavia_db:
    octavia_control.db_synced:
      - upgrade: true
{%- endif %}

octavia_upgrade_offline_sync:
  test.show_notification:
    - text: >-
        octavia.upgrade.offline_sync:
        {{ 'this node brings the schema to head' if octavia.syncs_db else 'not on this node' }}
    - require:
      - sls: octavia.check
{%- if octavia.syncs_db and not octavia.noservices %}
    - require_in:
      - octavia_control: octavia_db_backup
{%- endif %}
