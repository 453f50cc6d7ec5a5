# Redis watched by sentinels, all of it protected.
# since: 2024.2
octavia:
  api: &role
    jobboard:
      engine: redis
      members:
        - host: sentinel1.example.org
        - host: sentinel2.example.org
        - host: sentinel3.example.org
      user: octavia
      password: secret
      sentinel:
        name: octavia
        user: octavia
        password: secret
        ssl:
          ca_file: /etc/ssl/certs/cloud.pem
      x509:
        ca_file: /etc/ssl/certs/cloud.pem
        cert_file: /etc/octavia/ssl/redis.pem
        key_file: /etc/octavia/ssl/redis.key
      persistence: &database
        host: db.example.org
        name: octavia_persistence
        user: octavia_jobs
        password: secret
        ssl:
          ca_file: /etc/ssl/certs/cloud.pem
  manager: *role
