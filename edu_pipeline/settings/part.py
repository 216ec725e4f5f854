"""What all sections of `pipeline.toml` have in common."""

from pydantic import BaseModel, BeforeValidator, ConfigDict

ONE_OR_SEVERAL = BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)
"""Of a list of texts that may be one text."""


class Part(BaseModel):
    """A section of `pipeline.toml`; a misspelt key is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
