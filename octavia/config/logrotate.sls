{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check
  - octavia.config

{%- if octavia.logrotate %}

# The file of the packages is written anew: logrotate refuses a second one for the same logs.
octavia_logrotate:
  file.managed:
    - name: {{ octavia.logrotate.path }}
    - source: salt://octavia/files/logrotate
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - require:
      - file: octavia_config_file
{%- endif %}
