{%- from "octavia/map.jinja" import octavia with context %}

# Where the packaged API runs in uWSGI, address, port, TLS and processes are not taken from
# octavia.conf but from uWSGI's own settings.
include:
  - octavia.config

{%- if octavia.uwsgi %}

octavia_api_uwsgi:
  file.managed:
    - name: {{ octavia.uwsgi.ours }}
    - source: salt://octavia/files/octavia-api-bind.ini
    - template: jinja
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - require:
      - sls: octavia.config

octavia_api_defaults:
  file.managed:
    - name: {{ octavia.uwsgi.defaults }}
    - source: salt://octavia/files/octavia-api.default
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - require:
      - sls: octavia.config
{%- endif %}
