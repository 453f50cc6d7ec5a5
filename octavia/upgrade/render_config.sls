{%- from "octavia/map.jinja" import octavia with context %}

# The configuration of the release of the pillar, of all roles, and nothing else: no service is
# restarted.
include:
  - octavia.check
  - octavia.config
{%- if 'api' in octavia.roles %}
  - octavia.api.server
{%- endif %}
{%- for role in octavia.units_of %}
  - octavia.{{ role }}.units
{%- endfor %}
{%- if 'client' in octavia.roles %}
  - octavia.client.clouds
{%- endif %}

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true

octavia_upgrade_render_config:
  test.show_notification:
    - text: 'octavia.upgrade.render_config: {{ octavia.config }} for {{ octavia.release }}'
    - require:
      - sls: octavia.check
