# The names of the brokers, which all lead to the one of the sandbox: kitchen has a single node.
kitchen_brokers:
  host.present:
    - ip: 127.0.0.1
    - names: {{ pillar['octavia']['api']['message_queue']['members'] | map(attribute='host') | list | json }}
