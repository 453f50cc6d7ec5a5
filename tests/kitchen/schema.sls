# The schema that the API of another node would have made: controllers alone only wait for it.
{%- set config = '/root/sandbox/octavia-db.conf' %}
{%- set manage = 'octavia-db-manage --config-file ' ~ config %}

kitchen_schema_packages:
  pkg.installed:
    - pkgs: [octavia-common, python3-pymysql]

{{ config }}:
  file.managed:
    - source: salt://kitchen/files/octavia-db.conf
    - template: jinja
    - mode: '0600'
    - show_changes: false

kitchen_schema:
  cmd.run:
    - name: {{ manage }} upgrade head
    - unless: {{ manage }} current 2>/dev/null | grep '(head)'
    - require:
      - file: {{ config }}
      - pkg: kitchen_schema_packages
