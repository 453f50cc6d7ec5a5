{%- from "octavia/map.jinja" import octavia with context %}

# Apache in place of the server that the packages start.
include:
  - octavia.config
{%- if not octavia.noservices %}
  - octavia.db
{%- endif %}

{%- if octavia.apache %}

octavia_api_apache_site:
  file.managed:
    - name: {{ octavia.apache.site }}
    - source: salt://octavia/files/octavia-api-apache.conf
    - template: jinja
    - user: root
    - group: root
    - mode: '0644'
    - require:
      - sls: octavia.config
{%- if octavia.apache.cert_file is defined %}
{%- for link, target in octavia.apache.tls_links | dictsort %}

octavia_api_apache_{{ link }}:
  file.symlink:
    - name: {{ link }}
    - target: {{ target }}
    - require:
      - sls: octavia.config
    - require_in:
      - file: octavia_api_apache_site
{%- endfor %}
{%- endif %}
{%- if not octavia.noservices %}

octavia_api_packaged_server:
  service.dead:
    - name: octavia-api
    - enable: false
    - require:
      - sls: octavia.config

octavia_api_apache_service:
  octavia_control.running:
    - name: {{ octavia.apache.service }}
    - reads: {{ ([octavia.config, octavia.apache.site] + octavia.api_reads) | json }}
    - require:
      - octavia_control: octavia_db
      - service: octavia_api_packaged_server
    - watch:
      - file: octavia_config_file
      - file: octavia_api_apache_site
{%- endif %}
{%- endif %}
