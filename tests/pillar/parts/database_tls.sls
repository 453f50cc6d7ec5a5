# Certificates whose content the pillar holds; the formula writes the files.
# since: ocata
octavia:
  api: &role
    database:
      engine: mysql
      host: db.example.org
      name: octavia
      user: octavia
      password: secret
      max_retries: -1
      retry_interval: 5
      max_pool_size: 10
      max_overflow: 50
      x509:
        enabled: true
        cacert: &certificate |
          -----BEGIN CERTIFICATE-----
          MIIB
          -----END CERTIFICATE-----
        cert: *certificate
        key: |
          -----BEGIN PRIVATE KEY-----
          MIIC
          -----END PRIVATE KEY-----
  manager: *role
