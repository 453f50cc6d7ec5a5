"""
The way to a cloud: clouds.yaml, credentials, catalog and HTTP session, all by openstacksdk, which
is imported when it is needed.
"""

# No annotations as text here, see octavia_blocks.
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

try:
    import octavia_errors as errors
except ImportError:
    from salt_formula_octavia.utils import octavia_errors as errors

SERVICE = "load-balancer"
#: What makes a mapping the entry of a cloud, as clouds.yaml has it, rather than just its ``auth``.
ENTRY_KEYS = ("auth", "auth_type", "cloud", "profile")


@dataclass(frozen=True)
class Cloud:
    """
    An authenticated way to one Octavia.

    :ivar session: session of keystoneauth
    :ivar endpoint: URL of the API without its version
    :ivar project_id: of the project that is logged in to, empty when nobody logs in
    :ivar name: of the cloud, for messages
    """

    session: Any
    endpoint: str
    project_id: str
    name: str


def connect(
    cloud_name: str = "",
    auth: Mapping[str, Any] | None = None,
    config_file: str = "",
) -> Cloud:
    """
    Logs in to a cloud.

    :param cloud_name: a cloud of clouds.yaml
    :param auth: instead of it, what clouds.yaml would have: a whole entry, or just its ``auth``;
        ``auth_type: none`` with an ``endpoint`` in ``auth`` is for an API without authentication
    :param config_file: path of a clouds.yaml; otherwise openstacksdk looks at its usual places
    :return: the cloud
    :raises SdkMissing: when openstacksdk is not installed
    :raises UnknownCloud: when the cloud is not known, or its entry does not suffice
    :raises Auth: when the credentials are refused
    :raises NoEndpoint: when the catalog has no load balancer service
    :raises NoAnswer: when Keystone cannot be reached
    """
    try:
        import keystoneauth1.exceptions as refused
        import openstack.config
        import openstack.exceptions
    except ImportError as problem:
        raise errors.SdkMissing(f"openstacksdk cannot be imported: {problem}") from problem
    name = cloud_name or "given by auth"
    try:
        if auth is not None:
            entry = dict(auth) if any(key in auth for key in ENTRY_KEYS) else {"auth": dict(auth)}
            # A cloud's own name would be looked for in files.
            loader = openstack.config.OpenStackConfig(load_yaml_config=False, load_envvars=False)
            region = loader.get_one(**entry)
        else:
            files = {"config_files": [config_file], "secure_files": []} if config_file else {}
            region = openstack.config.OpenStackConfig(**files).get_one(cloud=cloud_name)
        session = region.get_session()
    except (
        openstack.exceptions.ConfigException,
        refused.MissingRequiredOptions,
        refused.NoMatchingPlugin,
    ) as problem:
        reason = f"the cloud {name!r} cannot be used: {problem}"
        raise errors.UnknownCloud(reason, operation="connect") from problem
    try:
        endpoint = region.get_endpoint(SERVICE) or _from_catalog(region, session)
        project_id = session.get_project_id() or ""
    except refused.http.HttpError as problem:
        code = problem.http_status or 401
        raise errors.from_answer(code, str(problem), operation="connect") from problem
    except refused.EndpointNotFound as problem:
        reason = f"the cloud {name!r} has no usable endpoint: {problem}"
        raise errors.NoEndpoint(reason, operation="connect") from problem
    except refused.ConnectionError as problem:
        reason = f"Keystone of the cloud {name!r} cannot be reached: {problem}"
        raise errors.NoAnswer(reason, operation="connect") from problem
    except refused.ClientException as problem:
        reason = f"the login to the cloud {name!r} failed: {problem}"
        raise errors.Auth(reason, operation="connect") from problem
    return Cloud(session, _without_version(endpoint), project_id, name)


def _from_catalog(region: Any, session: Any) -> str:
    interface = region.get_interface(SERVICE) or "public"
    area = region.get_region_name(SERVICE) or None
    # Asking the endpoint for its versions would cost a request, and its paths are known.
    return str(
        session.auth.get_endpoint_data(
            session,
            service_type=region.get_service_type(SERVICE),
            interface=interface,
            region_name=area,
            discover_versions=False,
        ).url
    )


def _without_version(endpoint: str) -> str:
    base = endpoint.rstrip("/")
    for suffix in ("/v2.0", "/v2"):
        base = base.removesuffix(suffix)
    return base
