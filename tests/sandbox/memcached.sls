# One memcached on the ports that the octavia pillar names.
sandbox_memcached_package:
  pkg.installed:
    - name: memcached

/etc/memcached.conf:
  file.managed:
    - source: salt://sandbox/files/memcached.conf
    - template: jinja
    - mode: '0644'
    - require:
      - pkg: sandbox_memcached_package

sandbox_memcached_service:
  service.running:
    - name: memcached
    - enable: true
    - watch:
      - file: /etc/memcached.conf
