"""The grammars of what is written into files for a CI: nothing in them means anything to a shell or a template."""

from typing import Annotated, TypeAlias

from pydantic import Field

WORD = r"^[A-Za-z0-9][A-Za-z0-9._/@:=+-]{0,199}$"

Branch: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")]
Label: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
File: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
SampleValue: TypeAlias = int | float | Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,100}$")]
ServiceAccount: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,99}@[a-z0-9.-]{1,100}\.[a-z]{2,20}$")]
