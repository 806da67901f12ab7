"""What Prometheus scrapes, for whoever holds the token the operator set."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from starlette.requests import Request

from service.api.dependencies import PartsDependency
from service.problems import NotAllowed, NotFound, NotSignedIn
from service.security.tokens import same_token

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def read_metrics(request: Request, parts: PartsDependency) -> Response:
    """Metrics in Prometheus's text format, with `Authorization: Bearer <metrics token>`; 404 where no token is set."""
    token = parts.configuration.metrics_token
    if token is None:
        raise NotFound("This deployment has no metrics token, so it shows no metrics.")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise NotSignedIn("The metrics token belongs in the Authorization header.", code="no_token")
    if not same_token(given.strip(), token.get_secret_value()):
        raise NotAllowed("This is not the metrics token.", code="wrong_token")
    registry = request.app.state.metrics
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)
