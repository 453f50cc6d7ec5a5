"""What stands in each suite."""

API = ("octavia-api", "octavia-driver-agent")
MANAGER = ("octavia-worker", "octavia-health-manager", "octavia-housekeeping")
ALL = API + MANAGER

UNITS = {
    "aio": ALL,
    "api_single": API,
    "manager_single": MANAGER,
    "api_cluster": ALL,
    "tls": ALL,
    "jobboard_redis": ALL,
    "api_full": ALL,
}
URLS = {
    "aio": "http://127.0.0.1:9876/",
    "api_single": "http://127.0.0.1:9876/",
    "api_cluster": "http://[::1]:9876/",
    "tls": "http://127.0.0.1:9876/",
    "jobboard_redis": "http://127.0.0.1:9876/",
    "api_full": "https://127.0.0.1:9876/",
}
# The CA of the services that the sandbox protects.
AUTHORITY = "/etc/sandbox/ca.pem"
HEARTBEATS = {
    "aio": "127.0.0.1:5555",
    "manager_single": "192.168.0.12:5555",
    "api_cluster": "[::1]:5555",
    "tls": "127.0.0.1:5555",
    "jobboard_redis": "127.0.0.1:5555",
    "api_full": "127.0.0.1:5555",
}
