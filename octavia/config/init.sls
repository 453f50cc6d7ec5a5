{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
  - octavia.config.tls
  - octavia.config.policy
  - octavia.config.ovn
  - octavia.config.logrotate

{%- if 'manager' in octavia.roles and not octavia.noservices %}

octavia_heartbeat_key:
  octavia_pki.heartbeat_key_kept:
    - saltenv: {{ saltenv }}
    - require:
      - sls: octavia.check
    - require_in:
      - file: octavia_config_file
{%- endif %}
{%- if octavia.units or octavia.apache %}

octavia_config_file:
  file.managed:
    - name: {{ octavia.config }}
    - source: salt://octavia/files/octavia.conf
    - template: jinja
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - show_changes: false
    - require:
      - sls: octavia.check
{%- endif %}
{%- if octavia.audit_map %}

octavia_audit_map:
  file.managed:
    - name: {{ octavia.audit_map }}
    - source: salt://octavia/files/octavia_api_audit_map.conf
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - require:
      - file: octavia_config_file
{%- endif %}
