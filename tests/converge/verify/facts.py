"""What stands in each suite."""

API = ("octavia-api", "octavia-driver-agent")
MANAGER = ("octavia-worker", "octavia-health-manager", "octavia-housekeeping")
ALL = API + MANAGER

UNITS = {
    "aio": ALL,
    "api_single": API,
    "manager_single": MANAGER,
    "api_cluster": ALL,
}
URLS = {
    "aio": "http://127.0.0.1:9876/",
    "api_single": "http://127.0.0.1:9876/",
    "api_cluster": "http://[::1]:9876/",
}
HEARTBEATS = {
    "aio": "127.0.0.1:5555",
    "manager_single": "192.168.0.12:5555",
    "api_cluster": "[::1]:5555",
}
