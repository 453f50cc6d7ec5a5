# RabbitMQ with the users and virtual hosts of the octavia pillar, one node or a cluster. The broker
# itself reads them when it starts (definitions): no password is ever given to a command.
{%- from 'sandbox/map.jinja' import cluster, queue_ports, queue_tls with context %}
{%- set nodes = cluster.get('nodes') or [] %}

{%- if queue_tls %}
include:
  - sandbox.pem
{%- endif %}

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
{%- set founder = nodes | first %}
{%- set started = salt['file.directory_exists']('/var/lib/rabbitmq/sandbox') %}
{%- if nodes and grains['host'] != founder and not started %}

# Before its very first start a node waits for the one that founds the cluster.
sandbox_rabbitmq_founder:
  cmd.run:
    - name: >-
        bash {{ salt['cp.cache_file']('salt://sandbox/files/rabbitmq/wait_for.sh') }}
        {{ founder }} {{ queue_ports[0] }}
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
{%- if queue_tls %}
    - require:
      - cmd: sandbox_pem_files
{%- endif %}
