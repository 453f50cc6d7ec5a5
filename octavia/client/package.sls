{%- from "octavia/map.jinja" import octavia with context %}

include:
  - octavia.check

{%- if 'client' in octavia.roles %}

octavia_client_packages:
  pkg.installed:
    - pkgs: {{ octavia.packages.client | json }}
    - require:
      - sls: octavia.check

# The modules of this formula run in Salt's own interpreter, so that is where the SDK must be: by
# the package of the system where Salt uses the system's Python, else by Salt's own pip.
octavia_client_sdk:
{%- if octavia.salt_in_system_python %}
  pkg.installed:
    - pkgs: [{{ octavia.sdk_package }}]
{%- else %}
  octavia_control.sdk_installed:
    - name: openstacksdk
{%- endif %}
    - require:
      - sls: octavia.check
{%- endif %}
