# Everything to the journal, in JSON where it still is a file, and files for a week.
# since: queens
octavia:
  api: &role
    debug: false
    logging:
      file: false
      journal: true
      json: true
      levels:
        octavia: INFO
        oslo.messaging: WARNING
      rotate:
        every: daily
        keep: 7
        size: 200M
        compress: true
  manager: *role
