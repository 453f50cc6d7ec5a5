# A PostgreSQL server, checked by the system's own CA certificates.
# since: ocata
octavia:
  api: &role
    database:
      engine: postgresql
      host: db.example.org
      name: octavia
      user: octavia
      password: secret
      ssl: true
  manager: *role
