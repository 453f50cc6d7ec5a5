{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check

{%- if octavia.clouds_file %}

# Clouds that stand in the file and not in the pillar stay.
octavia_client_clouds:
  file.managed:
    - name: {{ octavia.clouds_file }}
    - source: salt://octavia/files/clouds.yaml
    - template: jinja
    - context:
        path: {{ octavia.clouds_file }}
    - user: root
    - group: root
    - mode: '0600'
    - makedirs: true
    - dir_mode: '0755'
    - show_changes: false
    - require:
      - sls: octavia.check
{%- endif %}
