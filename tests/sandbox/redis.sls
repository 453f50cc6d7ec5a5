# Redis for the jobboard, with the port and the password of the octavia pillar.
sandbox_redis_package:
  pkg.installed:
    - name: redis-server

/etc/redis/redis.conf:
  file.managed:
    - source: salt://sandbox/files/redis.conf
    - template: jinja
    - user: redis
    - group: redis
    - mode: '0640'
    - show_changes: false
    - require:
      - pkg: sandbox_redis_package

sandbox_redis_service:
  service.running:
    - name: redis-server
    - enable: true
    - watch:
      - file: /etc/redis/redis.conf
