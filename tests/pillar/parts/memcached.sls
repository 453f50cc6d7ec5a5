# Tokens are kept in several memcacheds, encrypted.
# since: ocata
octavia:
  api: &role
    cache:
      engine: memcached
      members:
        - host: cache1.example.org
        - host: cache2.example.org
          port: 11212
      security:
        enabled: true
        strategy: ENCRYPT
        secret_key: secret
  manager: *role
