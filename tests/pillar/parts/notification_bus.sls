# A bus of its own for notifications.
# since: ocata
octavia:
  api: &role
    notification:
      enabled: true
      driver: [messagingv2]
      topics: [notifications]
      transport:
        members:
          - host: bus1.example.org
          - host: bus2.example.org
        user: notify
        password: secret
        virtual_host: /notifications
  manager: *role
