# What Octavia needs of a cloud, set up on one node for tests: no part of the formula.
{%- from 'sandbox/map.jinja' import services with context %}

include:
{%- for service in services %}
  - sandbox.{{ service }}
{%- endfor %}
