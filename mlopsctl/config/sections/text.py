"""The plain types that several sections share."""

from typing import Annotated, TypeAlias

from pydantic import Field

Text: TypeAlias = Annotated[str, Field(min_length=1)]

# A value of a parameter or a variable.
Scalar: TypeAlias = bool | int | float | str

# A file, or the list itself. Files are relative to the project file.
Requirements: TypeAlias = Text | tuple[Text, ...]
