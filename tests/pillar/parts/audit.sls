# Who has done what through the API, on the bus of notifications.
# since: stein
octavia:
  api:
    audit:
      enabled: true
      map_file: /etc/octavia/audit_map.conf
      ignore_req_list: GET
    audit_middleware_notifications:
      driver: messagingv2
