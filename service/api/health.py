"""Whether the service is well, for supervisors and load balancers."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from service.api.dependencies import PartsDependency

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The service and its database answer."""

    status: str


@router.get("/health")
def read_health(parts: PartsDependency) -> Health:
    """Answers 200 as long as the database can be read."""
    with parts.database.reading() as session:
        session.execute(text("SELECT 1"))
    return Health(status="ok")
