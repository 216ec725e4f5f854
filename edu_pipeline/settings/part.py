"""What all sections of `pipeline.toml` have in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A section of `pipeline.toml`; a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
