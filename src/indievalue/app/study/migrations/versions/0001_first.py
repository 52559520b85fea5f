"""Studies, raters, places and answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIME = sa.Float(53)


def upgrade() -> None:
    """Make the tables of the first version."""
    op.create_table(
        "study",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("expires", _TIME, nullable=False),
    )
    op.create_table(
        "rater",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("study", sa.String(64), sa.ForeignKey("study.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("code", sa.String(32), nullable=False),
        *(sa.Column(name, _TIME) for name in ("consented", "finished", "withdrawn")),
        sa.Column("comment", sa.Text),
        sa.UniqueConstraint("study", "name"),
    )
    op.create_table(
        "slot",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("study", sa.String(64), sa.ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("rater", _KEY, sa.ForeignKey("rater.id")),
        sa.Column("lease", _TIME),
        sa.Column("done", _TIME),
        sa.UniqueConstraint("study", "person", "place"),
        sa.UniqueConstraint("study", "person", "rater"),
    )
    op.create_table(
        "answer",
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("rater", _KEY, sa.ForeignKey("rater.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("choice", sa.Integer, nullable=False),
        sa.Column("confidence", sa.Integer),
        sa.Column("seconds", _TIME, nullable=False),
        sa.Column("answered", _TIME, nullable=False),
        sa.UniqueConstraint("rater", "kind", "person", "place"),
    )
    op.create_index("ix_answer_rater_person", "answer", ["rater", "person"])


def downgrade() -> None:
    """Drop all tables."""
    for name in ("answer", "slot", "rater", "study"):
        op.drop_table(name)
