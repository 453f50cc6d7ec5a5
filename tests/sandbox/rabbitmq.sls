# RabbitMQ with the users and virtual hosts of the octavia pillar, one node or a cluster. The broker reads
# them itself when it starts (definitions), so no password is ever given to a command.
{%- from 'sandbox/map.jinja' import cluster, queue_ports with context %}
{%- set nodes = cluster.get('nodes') or {} %}

sandbox_rabbitmq_package:
  pkg.installed:
    - name: rabbitmq-server

{%- set files = {
  'rabbitmq.conf': '0644',
  'rabbitmq-env.conf': '0644',
  'enabled_plugins': '0644',
  'definitions.json': '0640',
} %}
{%- for name, mode in files.items() %}

/etc/rabbitmq/{{ name }}:
  file.managed:
    - source: salt://sandbox/files/rabbitmq/{{ name }}
    - template: jinja
    - user: root
    - group: rabbitmq
    - mode: '{{ mode }}'
    - show_changes: false
    - require:
      - pkg: sandbox_rabbitmq_package
    - watch_in:
      - service: sandbox_rabbitmq_service
{%- endfor %}
{%- for name, address in nodes.items() %}

sandbox_rabbitmq_host_{{ name }}:
  host.present:
    - ip: {{ address }}
    - names:
      - {{ name }}
    - require_in:
      - service: sandbox_rabbitmq_service
{%- endfor %}
{%- if nodes and grains['host'] != nodes | list | first %}

# The broker's own data are made by its first start, before which the node that founds the cluster must be up.
sandbox_rabbitmq_founder:
  cmd.run:
    - name: >-
        bash {{ salt['cp.cache_file']('salt://sandbox/files/rabbitmq/wait_for.sh') }}
        {{ nodes.values() | first }} {{ queue_ports[0] }}
    - creates: /var/lib/rabbitmq/sandbox
    - require_in:
      - service: sandbox_rabbitmq_service
{%- endif %}
{%- if cluster.get('cookie') %}

/var/lib/rabbitmq/.erlang.cookie:
  file.managed:
    - source: salt://sandbox/files/rabbitmq/cookie
    - template: jinja
    - user: rabbitmq
    - group: rabbitmq
    - mode: '0400'
    - show_changes: false
    - require:
      - pkg: sandbox_rabbitmq_package
    - watch_in:
      - service: sandbox_rabbitmq_service
{%- endif %}

sandbox_rabbitmq_service:
  service.running:
    - name: rabbitmq-server
    - enable: true
