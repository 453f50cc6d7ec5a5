{%- from "octavia/map.jinja" import octavia with context %}
{%- from "octavia/upgrade/order.jinja" import order with context %}

# All services of the node are enabled and running, started in the reverse of the order in which
# they were stopped; the next one only when the one before truly serves.
include:
  - octavia.check
{%- if octavia.apache and not octavia.noservices %}
  - octavia.api.apache
{%- endif %}

extend:
  octavia_check:
    octavia_config.valid:
      - upgrade: true
{%- if octavia.apache and not octavia.noservices %}
{%- if octavia.syncs_db %}
  # Octavia in Apache comes with these.
  octavia_db_backup:
    octavia_control.db_backed_up:
      - upgrade: true
  octavia_db:
    octavia_control.db_synced:
      - upgrade: true
{%- else %}
  octavia_db:
    octavia_control:
      - require:
        - test: octavia_upgrade_service_running
{%- endif %}
  octavia_api_apache_site:
    file:
      - require:
        - octavia_control: octavia_upgrade_schema
{%- for link in octavia.apache.tls_links if octavia.apache.cert_file is defined %}
  octavia_api_apache_{{ link }}:
    file:
      - require:
        - octavia_control: octavia_upgrade_schema
{%- endfor %}
  octavia_api_packaged_server:
    service:
      - require:
        - octavia_control: octavia_upgrade_schema
{%- endif %}

octavia_upgrade_service_running:
  test.show_notification:
    - text: >-
        octavia.upgrade.service_running:
        {{ order | reverse | join(", ") or "nothing" }}
    - require:
      - sls: octavia.check
{%- if order and not octavia.noservices %}

octavia_upgrade_schema:
  octavia_control.db_ready:
    - timeout: {{ octavia.timeouts.database }}
    - saltenv: {{ saltenv }}
    - require:
      - test: octavia_upgrade_service_running
{%- set before = ['octavia_control: octavia_upgrade_schema'] %}
{%- for unit in order | reverse %}
{%- if unit != 'apache' %}

octavia_upgrade_running_{{ unit }}:
  octavia_control.running:
    - name: {{ unit }}
    - reads: {{ ([octavia.config] + octavia.units[unit].reads) | json }}
    - require:
      - {{ before[-1] }}
{%- endif %}

octavia_upgrade_up_{{ unit }}:
  octavia_control.up:
    - units: [{{ octavia.apache.service if unit == 'apache' else unit }}]
    - timeout: {{ octavia.timeouts.services }}
    - saltenv: {{ saltenv }}
{%- if unit in ('apache', 'octavia-api') %}
    - api_url: {{ octavia.api_url }}
{%- elif unit == 'octavia-health-manager' %}
    - heartbeat_port: {{ octavia.heartbeat.port }}
{%- elif unit == 'octavia-worker' %}
    - consumes: true
{%- endif %}
    - require:
{%- if unit == 'apache' %}
      - {{ before[-1] }}
      - octavia_control: octavia_api_apache_service
{%- else %}
      - octavia_control: octavia_upgrade_running_{{ unit }}
{%- endif %}
{%- if loop.nextitem | default('') == 'apache' %}
    - require_in:
      - octavia_control: octavia_api_apache_service
{%- endif %}
{%- do before.append('octavia_control: octavia_upgrade_up_' ~ unit) %}
{%- endfor %}
{%- endif %}
