{%- from "octavia/map.jinja" import octavia with context %}

# The two CAs, the controller's client certificate, and the keys. A controller without them fails
# here, before its services are touched.
include:
  - octavia.check
  - octavia.config
  - octavia.manager.package

{%- if 'manager' in octavia.roles %}

octavia_certificates:
  octavia_pki.deployed:
    - saltenv: {{ saltenv }}
    - require:
      - octavia_control: octavia_manager_packages
    # A file that names what is wrong is never written: Octavia would meet it at its next start.
    - require_in:
      - file: octavia_config_file

octavia_certificates_access:
  octavia_pki.protected:
    - saltenv: {{ saltenv }}
    - require:
      - octavia_pki: octavia_certificates
{%- if octavia.certificates_textfile %}

octavia_certificates_textfile:
  octavia_pki.textfile:
    - saltenv: {{ saltenv }}
    - require:
      - octavia_pki: octavia_certificates
{%- endif %}
{%- endif %}
