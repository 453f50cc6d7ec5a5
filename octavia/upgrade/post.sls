{%- from "octavia/map.jinja" import octavia with context %}

# Once, on all nodes, when the upgrade of the whole cloud is complete.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_post:
  test.show_notification:
    - text: 'octavia.upgrade.post: what the upgrade has left is cleared away'
    - require:
      - sls: octavia.check
{%- if octavia.roles and not octavia.noservices %}

octavia_upgrade_clouds_returned:
  octavia_upgrade.clouds_returned:
    - name: {{ octavia.upgrade_clouds_file }}
    - require:
      - test: octavia_upgrade_post

octavia_upgrade_post_undrained:
  octavia_upgrade.undrained:
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_post

octavia_upgrade_backups:
  octavia_upgrade.backups_removed:
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_post
{%- endif %}
