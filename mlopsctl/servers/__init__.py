"""Servers: where a released model answers. One file a kind."""

from typing import Annotated

from pydantic import Field

from mlopsctl.servers.kserve import KServeServer
from mlopsctl.servers.mlflow import MLflowServer
from mlopsctl.servers.vertex import VertexServer

Server = Annotated[MLflowServer | KServeServer | VertexServer, Field(discriminator="kind")]

__all__ = ["KServeServer", "MLflowServer", "Server", "VertexServer"]
