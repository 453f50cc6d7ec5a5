# Octavia's own stand-ins for the cloud around the users' sample.
octavia:
  # The sample names files that are there; here the formula makes them.
  pki:
    generate: true
    ca_node: '{{ grains.id }}'
  manager:
    controller_worker:
      amphora_driver: amphora_noop_driver
      compute_driver: compute_noop_driver
      network_driver: network_noop_driver
      image_driver: image_noop_driver
      volume_driver: volume_noop_driver
