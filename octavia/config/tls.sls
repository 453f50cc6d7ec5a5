{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
  - octavia.config

{%- for file in octavia.tls_files %}

# {{ file.pillar }}
octavia_tls_{{ file.path }}:
  file.managed:
    - name: {{ file.path }}
    - source: salt://octavia/files/pem
    - template: jinja
    - context:
        path: {{ file.path }}
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - makedirs: true
    - dir_mode: '0755'
    - show_changes: false
    - require:
      - sls: octavia.check
    - require_in:
      - file: octavia_config_file
{%- endfor %}
