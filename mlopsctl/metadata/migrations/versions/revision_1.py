"""The tables of the first release. Databases without a revision of their own are taken for this one."""

import sqlalchemy as sa

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables as they were."""
    from alembic import op

    op.create_table(
        "mlopsctl_about",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "mlopsctl_step_cache",
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("execution_id", sa.Integer, nullable=False),
    )
    op.create_table(
        "mlopsctl_latest_step",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("environment", sa.String(255), primary_key=True),
        sa.Column("step", sa.String(255), primary_key=True),
        sa.Column("execution_id", sa.Integer, nullable=False),
    )
    op.create_table(
        "mlopsctl_document",
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "mlopsctl_environment",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("environment", sa.String(255), primary_key=True),
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("gates", sa.Text, nullable=False),
        sa.Column("hold", sa.Text, nullable=False),
    )
    op.create_table(
        "mlopsctl_release",
        sa.Column("project", sa.String(255), primary_key=True),
        sa.Column("environment", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("left_at", sa.Integer),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "mlopsctl_intent",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("project", sa.String(255), nullable=False),
        sa.Column("environment", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(255), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.UniqueConstraint("project", "environment", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_mlopsctl_intent_open", "mlopsctl_intent", ["project", "environment", "done"])
