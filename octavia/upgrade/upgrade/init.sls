{%- from "octavia/map.jinja" import octavia with context %}

{#- Those of the configuration's SLS that have states on this node. #}
{%- set written = {
      'octavia.config': octavia.units or octavia.apache,
      'octavia.config.policy': octavia.policy,
      'octavia.config.ovn': octavia.ovn,
      'octavia.config.logrotate': octavia.logrotate,
      'octavia.api.server': octavia.uwsgi,
      'octavia.api.units': octavia.units_of.get('api') and not octavia.noservices,
      'octavia.manager.units': octavia.units_of.get('manager') and not octavia.noservices,
      'octavia.client.clouds': octavia.clouds_file} %}

# The whole upgrade of one node. Nothing of a phase is done when something of the one before has
# failed; how the node stands then is told in the end. Run it again to go on.
include:
  - octavia.upgrade.ready
  - octavia.upgrade.upgrade.pre
  - octavia.upgrade.service_stopped
  - octavia.upgrade.pkg_latest
  - octavia.upgrade.render_config
  - octavia.upgrade.offline_sync
  - octavia.upgrade.service_running
  - octavia.upgrade.upgrade.post

extend:
  octavia_upgrade_upgrade_pre:
    test:
      - require:
        - sls: octavia.upgrade.ready
  octavia_upgrade_service_stopped:
    test:
      - require:
        - sls: octavia.upgrade.upgrade.pre
  octavia_upgrade_pkg_latest:
    test:
      - require:
        - sls: octavia.upgrade.service_stopped
  octavia_upgrade_render_config:
    test:
      - require:
        - sls: octavia.upgrade.pkg_latest
{%- if octavia.units or octavia.apache %}
  # Whatever else is written requires this file.
  octavia_config_file:
    file:
      - require:
        - test: octavia_upgrade_render_config
{%- endif %}
{%- for file in octavia.tls_files %}
  octavia_tls_{{ file.path }}:
    file:
      - require:
        - test: octavia_upgrade_render_config
{%- endfor %}
{%- if octavia.clouds_file %}
  octavia_client_clouds:
    file:
      - require:
        - test: octavia_upgrade_render_config
{%- endif %}
  octavia_upgrade_offline_sync:
    test:
      - require:
        - sls: octavia.upgrade.render_config
{%- for sls, there in written.items() if there %}
        - sls: {{ sls }}
{%- endfor %}
  octavia_upgrade_service_running:
    test:
      - require:
        - sls: octavia.upgrade.offline_sync
{%- if octavia.syncs_db and not octavia.noservices %}
        - sls: octavia.db.offline_sync
{%- endif %}
  octavia_upgrade_upgrade_post:
    test:
      - require:
        - sls: octavia.upgrade.service_running

{%- if not octavia.noservices %}
  # What test=True has to know to foretell what comes after the stop.
{%- for unit in octavia.stop_order %}
  octavia_upgrade_running_{{ unit }}:
    octavia_control.running:
      - stopped_before: true
{%- endfor %}
{%- if 'api' in octavia.roles %}
  octavia_upgrade_undrained:
    octavia_upgrade.undrained:
      - drained_before: true
{%- endif %}
{%- endif %}

octavia_upgrade_told:
  octavia_upgrade.told:
    - saltenv: {{ saltenv }}
    - order: last
