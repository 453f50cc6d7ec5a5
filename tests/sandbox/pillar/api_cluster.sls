# The brokers stand on nodes of their own.
sandbox:
  services: [mariadb, memcached, keystone, pem]
