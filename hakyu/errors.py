"""The errors a command can end with, and their exit codes (docs/commands.md lists them)."""

from graphmodel.errors import HakyuError, LoadError, QueryError, StoreError, TooManyRefused, UsageError

__all__ = ["HakyuError", "LoadError", "QueryError", "StoreError", "TooManyRefused", "UsageError"]
