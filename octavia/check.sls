{%- from "octavia/map.jinja" import octavia with context %}

# The first state of every run: nothing else happens while the pillar has an error or the packages
# are of another release than the pillar says.
octavia_check:
  octavia_config.valid:
    - saltenv: {{ saltenv }}
