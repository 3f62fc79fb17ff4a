"""The public face for those who write operations."""

from console.exceptions import ItemFailed, Retry, Skip
from console.operations.base import BaseOperation, ExternalOperation, Hold, OnError, Operation, Result, Span
from console.operations.copies import Copy
from console.operations.deletes import Delete
from console.operations.exports import Export
from console.operations.files import FileOperation
from console.operations.imports import Import
from console.operations.registry import get_operation, known_operation, operations, operations_of, register
from console.operations.updates import Update
from console.retry import RetryPolicy

__all__ = [
    "BaseOperation",
    "Copy",
    "Delete",
    "Export",
    "ExternalOperation",
    "FileOperation",
    "Hold",
    "Import",
    "ItemFailed",
    "OnError",
    "Operation",
    "Result",
    "Retry",
    "RetryPolicy",
    "Skip",
    "Span",
    "Update",
    "get_operation",
    "known_operation",
    "operations",
    "operations_of",
    "register",
]
