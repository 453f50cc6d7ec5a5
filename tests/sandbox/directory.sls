# What the scripts are to make, passwords included; kept, so that a later run sees no change.
/root/sandbox:
  file.directory:
    - user: root
    - group: root
    - mode: '0700'
