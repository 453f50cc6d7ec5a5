{%- from "octavia/map.jinja" import octavia with context %}

# Whether Octavia works, through its API as well; what is made for it goes away again.
include:
  - octavia.check

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_verify:
  test.show_notification:
    - text: 'octavia.upgrade.verify: services, schema, amphorae, and a load balancer through the API'
    - require:
      - sls: octavia.check
{%- if octavia.roles and not octavia.noservices %}

octavia_upgrade_verified:
  octavia_upgrade.verified:
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_verify
{%- endif %}
