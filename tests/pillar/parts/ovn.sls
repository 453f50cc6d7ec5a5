# The OVN provider beside the amphorae, by TLS.
# since: train
# systems: debian13 redhat9
octavia:
  api:
    ovn:
      ovn_nb_connection: ['ssl:10.0.0.5:6641', 'ssl:10.0.0.6:6641']
      ovn_sb_connection: ['ssl:10.0.0.5:6642', 'ssl:10.0.0.6:6642']
      ovn_nb_private_key: &key /etc/octavia/ssl/ovn/key.pem
      ovn_nb_certificate: &certificate /etc/octavia/ssl/ovn/cert.pem
      ovn_nb_ca_cert: &ca /etc/octavia/ssl/ovn/ca.pem
      ovn_sb_private_key: *key
      ovn_sb_certificate: *certificate
      ovn_sb_ca_cert: *ca
      ovsdb_connection_timeout: 180
