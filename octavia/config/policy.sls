{%- from "octavia/map.jinja" import octavia with context %}

# Policies of the API. A file that Octavia could not use never takes the place of a good one.
include:
  - octavia.check
  - octavia.config

{%- if octavia.policy.wanted | default(false) %}

octavia_policy_file:
  file.managed:
    - name: {{ octavia.policy.file }}
    - source: salt://octavia/files/policy.yaml
    - template: jinja
    - user: root
    - group: {{ octavia.group }}
    - mode: '0640'
    - check_cmd: {{ octavia.python }} -I {{ octavia.policy_check }}
    - require:
      - file: octavia_config_file
{%- elif octavia.policy %}

# One of an earlier pillar would stay in force.
octavia_policy_file:
  octavia_config.withdrawn:
    - name: {{ octavia.policy.file }}
    - require:
      - file: octavia_config_file
{%- endif %}
