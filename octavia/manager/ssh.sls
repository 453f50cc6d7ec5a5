{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.config

{%- if octavia.ssh %}
{%- if octavia.ssh.directory %}

octavia_ssh_directory:
  file.directory:
    - name: {{ octavia.ssh.directory }}
    - user: {{ octavia.ssh.user }}
    - group: {{ octavia.ssh.group }}
    - mode: '0700'
    - makedirs: true
    - require:
      - sls: octavia.config
    - require_in:
      - file: octavia_ssh_private_key
{%- endif %}

# The private key by which an operator reaches the amphorae.
octavia_ssh_private_key:
  file.managed:
    - name: {{ octavia.ssh.private_key_file }}
    - source: salt://octavia/files/ssh_private_key
    - template: jinja
    - user: {{ octavia.ssh.user }}
    - group: {{ octavia.ssh.group }}
    - mode: '0600'
    - makedirs: true
    - show_changes: false
    - require:
      - sls: octavia.config
{%- endif %}
