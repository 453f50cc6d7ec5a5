# The brokers stand on nodes of their own.
sandbox:
  services: [mariadb, memcached, keystone, pem]
  api_url: http://[::1]:9876
