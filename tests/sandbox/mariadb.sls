# A small MariaDB with the databases and users of the octavia pillar, and Keystone's.
{%- import 'sandbox/script.jinja' as script with context %}
{%- from 'sandbox/map.jinja' import database_ports, database_tls with context %}
{%- if database_ports | length > 1 %}
{{ raise('octavia:{api,manager}:database:port: the sandbox runs one MariaDB, '
         ~ 'but the pillar names the ports ' ~ database_ports ~ '; name one port in both roles') }}
{%- endif %}
{%- set wanted = '/root/sandbox/mariadb.json' %}

include:
  - sandbox.directory
{%- if database_tls %}
  - sandbox.pem
{%- endif %}

sandbox_mariadb_packages:
  pkg.installed:
    - pkgs:
      - mariadb-server
      - python3-pymysql

/etc/mysql/mariadb.conf.d/90-sandbox.cnf:
  file.managed:
    - source: salt://sandbox/files/mariadb.cnf
    - template: jinja
    - mode: '0644'
    - require:
      - pkg: sandbox_mariadb_packages

sandbox_mariadb_service:
  service.running:
    - name: mariadb
    - enable: true
    - watch:
      - file: /etc/mysql/mariadb.conf.d/90-sandbox.cnf
{%- if database_tls %}
    - require:
      - cmd: sandbox_pem_files
{%- endif %}

{{ wanted }}:
  file.managed:
    - source: salt://sandbox/files/mariadb.json
    - template: jinja
    - mode: '0600'
    - show_changes: false
    - require:
      - file: /root/sandbox

sandbox_mariadb_content:
  cmd.run:
    {{- script.run('mariadb.py', wanted) }}
    - require:
      - file: {{ wanted }}
      - service: sandbox_mariadb_service
