"""A lease has an end that its holder moves on, for databases that several machines use."""

import sqlalchemy as sa

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Nobody holds a lease by the clock yet."""
    from alembic import op

    op.add_column("mlopsctl_environment", sa.Column("lease_until", sa.BigInteger))
