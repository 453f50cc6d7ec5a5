# Debian's Keystone on the ports of the octavia pillar, and what Octavia and the tests need in it.
{%- import 'sandbox/script.jinja' as script with context %}
{%- from 'sandbox/map.jinja' import identities with context %}
{%- for identity in identities if identity.get('protocol', 'http') != 'http' %}
{{ raise('octavia:{api,manager}:identity:protocol: the sandbox has a Keystone without TLS, '
         ~ 'but the pillar says ' ~ identity['protocol'] ~ '; say http') }}
{%- endfor %}
{%- set wanted = '/root/sandbox/keystone.json' %}

include:
  - sandbox.directory
  - sandbox.memcached

sandbox_keystone_packages:
  pkg.installed:
    - pkgs:
      - keystone
      - python3-keystoneauth1
      - python3-pymysql

/etc/keystone/keystone.conf:
  file.managed:
    - source: salt://sandbox/files/keystone/keystone.conf
    - template: jinja
    - user: root
    - group: keystone
    - mode: '0640'
    - show_changes: false
    - require:
      - pkg: sandbox_keystone_packages

/etc/keystone/sandbox-uwsgi.ini:
  file.managed:
    - source: salt://sandbox/files/keystone/uwsgi.ini
    - template: jinja
    - mode: '0644'
    - require:
      - pkg: sandbox_keystone_packages

/etc/default/keystone:
  file.managed:
    - source: salt://sandbox/files/keystone/default
    - mode: '0644'

{{ wanted }}:
  file.managed:
    - source: salt://sandbox/files/keystone/wanted.json
    - template: jinja
    - mode: '0600'
    - show_changes: false
    - require:
      - file: /root/sandbox
      - pkg: sandbox_keystone_packages

/root/sandbox-clouds.yaml:
  file.managed:
    - source: salt://sandbox/files/keystone/clouds.yaml
    - template: jinja
    - mode: '0600'
    - show_changes: false

sandbox_keystone_bootstrap:
  cmd.run:
    {{- script.run('keystone/bootstrap.py', wanted) }}
    - require:
      - file: {{ wanted }}
      - file: /etc/keystone/keystone.conf

sandbox_keystone_service:
  service.running:
    - name: keystone
    - enable: true
    - require:
      - cmd: sandbox_keystone_bootstrap
      - service: sandbox_memcached_service
    - watch:
      - file: /etc/keystone/keystone.conf
      - file: /etc/keystone/sandbox-uwsgi.ini
      - file: /etc/default/keystone

sandbox_keystone_content:
  cmd.run:
    {{- script.run('keystone/content.py', wanted) }}
    - require:
      - service: sandbox_keystone_service
