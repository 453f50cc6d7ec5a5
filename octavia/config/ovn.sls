{%- from "octavia/map.jinja" import octavia with context %}

# The OVN provider reads a section of its own, from a file beside octavia.conf.
include:
  - octavia.check
  - octavia.config

{%- if octavia.ovn.wanted | default(false) %}

octavia_ovn_file:
  file.managed:
    - name: {{ octavia.ovn.file }}
    - source: salt://octavia/files/ovn.conf
    - template: jinja
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - makedirs: true
    - dir_mode: '0755'
    - require:
      - file: octavia_config_file
{%- elif octavia.ovn %}

octavia_ovn_file:
  octavia_config.withdrawn:
    - name: {{ octavia.ovn.file }}
    - require:
      - file: octavia_config_file
{%- endif %}
