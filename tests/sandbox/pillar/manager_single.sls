# Octavia's own stand-ins for the cloud around the users' sample.
octavia:
  manager:
    controller_worker:
      amphora_driver: amphora_noop_driver
      compute_driver: compute_noop_driver
      network_driver: network_noop_driver
      image_driver: image_noop_driver
      volume_driver: volume_noop_driver
