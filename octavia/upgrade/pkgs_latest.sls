# The name by which pipelines call octavia.upgrade.pkg_latest.
include:
  - octavia.upgrade.pkg_latest
