{%- from "octavia/map.jinja" import octavia with context %}

# What the pillar declares on each cloud: load balancers, flavors, availability zones, quotas.
include:
  - octavia.client.package
  - octavia.client.clouds

{%- if not octavia.noservices %}
{%- for cloud in octavia.resources %}

octavia_client_resources_{{ cloud }}:
  octaviav2.resources_managed:
    - cloud_name: {{ cloud | json }}
{%- if octavia.clouds_file %}
    - config_file: {{ octavia.clouds_file }}
{%- endif %}
    - require:
      - sls: octavia.client.package
{%- if octavia.clouds_file %}
      - sls: octavia.client.clouds
{%- endif %}
{%- endfor %}
{%- endif %}
