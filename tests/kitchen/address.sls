# The address of the users' sample, on which the health manager listens.
{%- set address = pillar['octavia']['manager']['health_manager']['bind_ip'] %}

kitchen_address_package:
  pkg.installed:
    - name: iproute2

kitchen_address:
  cmd.run:
    - name: ip address add {{ address }}/32 dev lo
    - unless: ip address show dev lo | grep --word-regexp {{ address }}
    - require:
      - pkg: kitchen_address_package
