# The user that Debian's octavia-common makes, and certificates of protected connections.
{%- import 'sandbox/script.jinja' as script with context %}
{%- set wanted = '/root/sandbox/pem.json' %}

include:
  - sandbox.directory

sandbox_pem_group:
  group.present:
    - name: octavia
    - system: true

sandbox_pem_user:
  user.present:
    - name: octavia
    - gid: octavia
    - system: true
    - home: /var/lib/octavia
    - createhome: false
    - shell: /bin/sh
    - require:
      - group: sandbox_pem_group

sandbox_pem_package:
  pkg.installed:
    - name: openssl

{{ wanted }}:
  file.managed:
    - source: salt://sandbox/files/pem.json
    - template: jinja
    - mode: '0600'
    - show_changes: false
    - require:
      - file: /root/sandbox

sandbox_pem_files:
  cmd.run:
    {{- script.run('pem.py', wanted) }}
    - require:
      - file: {{ wanted }}
      - pkg: sandbox_pem_package
      - user: sandbox_pem_user
